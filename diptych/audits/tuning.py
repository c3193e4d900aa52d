"""Were probes tuned as they say? Every fit is noted, and chose what its probe's grid has."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from diptych.audits.findings import Finding
from diptych.audits.integrity import SCORED
from diptych.audits.kept import Case
from diptych.catalog import components
from diptych.evidence import STAGES
from diptych.probes import knn, linear, svm

STAGE = {"scores": "probe", "robustness": "robustness", "finetune": "finetune"}  # table -> whose record notes the fits


def _default(probe: str, name: str) -> Any:
    return components("probes")[probe].parameters[name].default


def _among(*allowed: Any) -> Callable[[Any], bool]:
    return lambda value: value in allowed


def _power(cost: float) -> bool:
    """A C on the grid of powers of ten and their finest steps."""
    steps = math.log10(cost) / linear.FINEST
    return abs(steps - round(steps)) < 1e-6 and linear.DECADES[0] <= round(steps) * linear.FINEST <= linear.DECADES[1]


# probe -> hyper-parameter -> whether the probe can have chosen a value
CHOICES: dict[str, dict[str, Callable[[Any], bool]]] = {
    "linear": {"C": _power},
    "svm": {"C": lambda cost: float(cost) in svm.GRID},
    "knn": {"k": _among(*knn.SIZES)},
    "xgboost": {"trees": _among(*range(1, _default("xgboost", "trees") + 1))},
    "random_forest": {name: _among(_default("random_forest", name)) for name in ("trees", "max_depth")},
    "finetune": {
        "lr": _among(*_default("finetune", "rates")),
        "epochs": _among(*range(1, _default("finetune", "epochs") + 1)),
    },
}


def tuned(case: Case) -> Iterator[Finding]:
    """Every kept prediction has the note of its fit, and every fit a choice that its probe can make.

    That test rows had no part in the choice cannot be seen from files: running again shows it.
    """
    for table, predictions in SCORED.items():
        if table not in case.files:
            continue
        record = case.said.records[STAGE[table]]
        where, fits = case.place(STAGES[STAGE[table]]), record.get("fits") or {}
        kept = case.arrays(predictions).keys() - {"label", "id"}
        for place in sorted(fits.keys() ^ kept):
            states = ("a note of the fit", "none") if place in kept else ("no note", "one without predictions")
            yield Finding("tuning", case.name, f"{where}: {place}", *states)
        for place, fit in fits.items():
            yield from _choices(case, f"{where}: {place}", place.split("|")[1], fit.get("tuned") or {})


def _choices(case: Case, where: str, probe: str, tuned: dict[str, Any]) -> Iterator[Finding]:
    for name, value in tuned.items():
        can = CHOICES.get(probe, {}).get(name)
        if can and not can(value):
            yield Finding("tuning", case.name, where, f"a {name} of the grid of {probe}", f"{name} = {value}")
