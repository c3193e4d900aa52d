"""Heartbeats of a fetal ECG seen by two leads at once: two sets of the UCR archive stacked as channels."""

from diptych.data._ucr import ARCHIVE, LICENCE, MIRROR, WHEELS, read_stacked
from diptych.data.base import Files, Raw
from diptych.data.card import Card

CARD = Card(
    name="fetal_ecg",
    title="NonInvasiveFetalECGThorax 1 and 2 (UCR)",
    modality="series",
    metric="accuracy",
    sources=(WHEELS[2],),
    mirror=MIRROR,
    licence=LICENCE,
    citation=ARCHIVE,
    n=3765,
    n_train=1800,
    shape=(750, 2),
    classes=tuple(map(str, range(1, 43))),
    split="official",
    caveats=(
        "the class is the recording, so it is an identity and not a diagnosis; recordings are in both splits",
        "leads are paired row by row: the classes of the two sets are equal in every row and the leads correlate at "
        "0.95; the archive itself does not say that its rows are aligned",
    ),
)


def read(files: Files) -> Raw:
    """Training and test heartbeats [750, 2]."""
    return read_stacked(files, ("NonInvasiveFetalECGThorax1", "NonInvasiveFetalECGThorax2"), 2)
