"""Breast cancer Wisconsin (diagnostic), from the installed scikit-learn."""

from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

CARD = Card(
    name="breast_cancer",
    title="Breast cancer Wisconsin (diagnostic)",
    modality="tabular",
    metric="auroc",
    sources=(Source(kind="library", package="sklearn"),),
    licence="CC BY 4.0 (UCI 17, DOI 10.24432/C5DW2B)",
    citation="Wolberg, Mangasarian, Street & Street 1993, Breast cancer Wisconsin (diagnostic), UCI repository",
    n=569,
    shape=(30,),
    classes=("malignant", "benign"),
    split="stratified",
)


def read(files: Files) -> Raw:
    """All rows; `files` is empty because the library holds them."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer(as_frame=True)
    return Raw(bunch.data, bunch.target_names[bunch.target])
