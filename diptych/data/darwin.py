"""DARWIN: handwriting features of people with Alzheimer's disease and healthy ones."""

from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

FILE = "Darwin.csv"

CARD = Card(
    name="darwin",
    title="DARWIN (Alzheimer's disease by handwriting)",
    modality="tabular",
    metric="auroc",
    sources=(
        Source(
            kind="url",
            file=FILE,
            url="https://raw.githubusercontent.com/sandhyat/ContrastiveLearning_Tutorial/"
            "75904ed7ce065a5890603fb70d783d93942021ae/Small_datasets/Darwin/Darwin.csv",
            sha256="5497e2daaa8a0c5a975d5f647c1181b8a26447acd296f02765f52aead8224d82",
        ),
    ),
    licence="CC BY 4.0 (UCI 732, DOI 10.24432/C55D0K)",
    citation="Cilia, De Gregorio, De Stefano, Fontanella, Marcelli & Parziale 2022, "
    "Diagnosing Alzheimer's disease from on-line handwriting",
    n=174,
    shape=(450,),
    classes=("H", "P"),
    split="stratified",
    caveats=("35 test people: one of them is 2.9 points of accuracy", "H healthy, P patient; the column ID is dropped"),
)


def read(files: Files) -> Raw:
    """All people."""
    from diptych.data._csv import read_table

    table = read_table(files[FILE], FILE)
    return Raw(table.drop(columns=["ID", "class"]).astype(float), table["class"].to_numpy(str))
