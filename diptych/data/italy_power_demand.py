"""ItalyPowerDemand of the UCR archive: a day's electricity use, winter or summer half-year."""

from diptych.data._aeon import LICENCE, WHEEL, read_problem
from diptych.data.base import Files, Raw
from diptych.data.card import Card

CARD = Card(
    name="italy_power_demand",
    title="ItalyPowerDemand (UCR)",
    modality="series",
    metric="accuracy",
    sources=(WHEEL,),
    licence=LICENCE,
    citation="Keogh et al. 2006, Intelligent icons; Dau et al. 2019, The UCR time series archive",
    n=1096,
    n_train=67,
    shape=(24, 1),
    classes=("1", "2"),
    split="official",
    caveats=("the classes are October to March and April to September; they are kept as published, 1 and 2",),
)


def read(files: Files) -> Raw:
    """Training and test series."""
    return read_problem(files, "ItalyPowerDemand")
