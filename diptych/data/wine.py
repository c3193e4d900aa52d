"""Wine cultivars by chemical analysis, from the installed scikit-learn."""

from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

CARD = Card(
    name="wine",
    title="Wine recognition",
    modality="tabular",
    metric="balanced_accuracy",
    sources=(Source(kind="library", package="sklearn"),),
    licence="CC BY 4.0 (UCI 109, DOI 10.24432/C5PC7J)",
    citation="Aeberhard & Forina 1992, Wine, UCI machine learning repository",
    n=178,
    shape=(13,),
    classes=("class_0", "class_1", "class_2"),
    split="stratified",
)


def read(files: Files) -> Raw:
    """All rows; `files` is empty because the library holds them."""
    from sklearn.datasets import load_wine

    bunch = load_wine(as_frame=True)
    return Raw(bunch.data, bunch.target_names[bunch.target])
