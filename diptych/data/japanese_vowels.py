"""JapaneseVowels of the UEA archive: cepstrum coefficients of nine speakers, 7 to 29 steps long."""

from diptych.data._aeon import LICENCE, WHEEL, read_problem
from diptych.data.base import Files, Raw
from diptych.data.card import Card

CARD = Card(
    name="japanese_vowels",
    title="JapaneseVowels (UEA)",
    modality="series",
    metric="accuracy",
    sources=(WHEEL,),
    licence=LICENCE,
    citation="Kudo, Toyama & Shimbo 1999; Bagnall et al. 2018, The UEA multivariate time series classification archive",
    n=640,
    n_train=270,
    shape=(0, 12),
    classes=tuple("123456789"),
    split="official",
    caveats=("the class is the speaker; series have different lengths and are padded with missing values",),
)


def read(files: Files) -> Raw:
    """Training and test series."""
    return read_problem(files, "JapaneseVowels")
