"""Vital signs of pigs before and after blood loss: three sets of the UCR archive stacked as channels."""

from diptych.data._ucr import ARCHIVE, LICENCE, MIRROR, WHEELS, read_stacked
from diptych.data.base import Files, Raw
from diptych.data.card import Card

CARD = Card(
    name="pig_vitals",
    title="PigAirwayPressure, PigArtPressure and PigCVP (UCR)",
    modality="series",
    metric="accuracy",
    sources=(WHEELS[2],),
    mirror=MIRROR,
    licence=LICENCE,
    citation=ARCHIVE,
    n=312,
    n_train=104,
    shape=(2000, 3),
    classes=tuple(map(str, range(1, 53))),
    split="official",
    caveats=(
        "the class is the animal, two training series of each; animals are in both splits",
        "airway, arterial and central venous pressure are paired row by row: the classes of the three sets are equal "
        "in every row; that a row shows the same moment in all three is assumed",
    ),
)


def read(files: Files) -> Raw:
    """Training and test series [2000, 3]."""
    return read_stacked(files, ("PigAirwayPressure", "PigArtPressure", "PigCVP"), 2)
