"""BasicMotions of the UEA archive: a smart watch's accelerometer and gyroscope during four activities."""

from diptych.data._aeon import LICENCE, WHEEL, read_problem
from diptych.data.base import Files, Raw
from diptych.data.card import Card

CARD = Card(
    name="basic_motions",
    title="BasicMotions (UEA)",
    modality="series",
    metric="accuracy",
    sources=(WHEEL,),
    licence=LICENCE,
    citation="Bagnall et al. 2018, The UEA multivariate time series classification archive, arXiv 1811.00075",
    n=80,
    n_train=40,
    shape=(100, 6),
    classes=("Standing", "Running", "Walking", "Badminton"),
    split="official",
    caveats=("80 series of few students: scores saturate, and one test series is 2.5 points",),
)


def read(files: Files) -> Raw:
    """Training and test series."""
    return read_problem(files, "BasicMotions")
