"""Do the scores follow from the predictions that were kept, and are they scores that such predictions can have?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from diptych.audits.findings import Finding
from diptych.audits.integrity import SCORED
from diptych.audits.kept import Arrays, Case
from diptych.boards.frame import lines
from diptych.catalog import components
from diptych.metrics.base import TOLERANCE, metrics
from diptych.records import read_table
from diptych.scoring import VALIDATION, evaluate

ROUNDING = 1e-9
SAME = 1e-6  # between scores of embeddings that were computed twice
Places = dict[tuple[Any, ...], float]


def tables(case: Case) -> Iterator[tuple[str, pd.DataFrame, Arrays]]:
    """Each score table of a cell with its file's name and the predictions behind it."""
    for role, predictions in SCORED.items():
        if role in case.files:
            yield case.place(role), read_table(case.files[role]), case.arrays(predictions)


def recomputed(case: Case) -> Iterator[Finding]:
    """Every score follows from the predictions that were kept, bit for bit."""
    for file, table, arrays in tables(case):
        written, again = _values(table), _scored(arrays)
        for place in sorted(written.keys() | again.keys()):
            old, new = written.get(place), again.get(place)
            # what is not there has no scores
            if not (old == new or (_undefined(old) and (new is None or _undefined(new)))):
                named = " ".join(map(str, place))
                yield Finding("scores", case.name, f"{file}: {named}", f"{new} (from the predictions)", str(old))


def _predicted(arrays: Arrays) -> Iterator[tuple[tuple[str, str, str, float], np.ndarray]]:
    for name in (name for name in arrays if name not in ("label", "id")):
        embedding, probe, corruption, severity = name.split("|")
        yield (embedding, probe, corruption, float(severity)), arrays[name]


def _scored(arrays: Arrays) -> Places:
    """Scores of kept predictions; whether they are probabilities is a property of the probe."""
    known = components("probes")
    found: Places = {}
    for place, scores in _predicted(arrays):
        probabilities = place[1] in known and bool(known[place[1]].attributes["probabilities"])
        for metric, (value, _) in evaluate(arrays["label"], scores, probabilities).items():
            found[*place, metric] = value
    return found


def _values(table: pd.DataFrame) -> Places:
    """Scores by place; those that were not computed from predictions (health, retrieval) are left out."""
    kept = table[~table["probe"].str.startswith(("health", "retrieval")) & (table["metric"] != VALIDATION)]
    places = kept[["embedding", "probe", "corruption", "severity", "metric"]].itertuples(index=False, name=None)
    return dict(zip(places, kept["value"], strict=True))


def _undefined(value: float | None) -> bool:
    return value is not None and bool(np.isnan(value))


def possible(case: Case) -> Iterator[Finding]:
    """Scores lie within their metric's bounds, obey its identities, and undamaged inputs score as clean ones do."""
    yield from _undamaged(case)
    for file, table, arrays in tables(case):
        yield from _outside(case, file, table)
        yield from _identities(case, file, _values(table), arrays)


def _undamaged(case: Case) -> Iterator[Finding]:
    """Severity 0 of a corruption is the clean score, where both are of the same prepared data."""
    if "robustness" not in case.files or case.files["robustness_data"] != case.files["data"]:
        return
    clean = _values(read_table(case.files["scores"]))
    for (embedding, probe, name, severity, metric), value in _values(read_table(case.files["robustness"])).items():
        usual = clean.get((embedding, probe, "clean", 0.0, metric), value)
        if severity == 0 and not (_undefined(value) and _undefined(usual)) and not abs(value - usual) <= SAME:
            place = f"{case.place('robustness')}: {embedding} {probe} {name} 0 {metric}"
            yield Finding("metrics", case.name, place, f"{usual}, the clean score", str(value))


def _outside(case: Case, file: str, table: pd.DataFrame) -> Iterator[Finding]:
    known = metrics()
    for row in lines(table):
        low, high = known[row.metric].bounds
        if row.value < low - TOLERANCE or row.value > high + TOLERANCE:
            place = f"{file}: {row.embedding} {row.probe} {row.corruption} {row.severity:g} {row.metric}"
            yield Finding("metrics", case.name, place, f"a value within [{low:g}, {high:g}]", str(row.value))


def _identities(case: Case, file: str, written: Places, arrays: Arrays) -> Iterator[Finding]:
    """Accuracy is the trace of the confusion matrix, which is micro recall; balanced accuracy the mean recall."""
    for place, scores in _predicted(arrays):
        for metric, (law, value) in _by_confusion(arrays["label"], scores.argmax(1), scores.shape[1]).items():
            stated = written.get((*place, metric), value)
            if not abs(stated - value) <= ROUNDING:
                where = f"{file}: {' '.join(map(str, place))} {metric}"
                yield Finding("metrics", case.name, where, f"{value} ({law})", str(stated))


def _by_confusion(label: np.ndarray, predicted: np.ndarray, classes: int) -> dict[str, tuple[str, float]]:
    """The metrics of chosen classes, from the confusion matrix [true, chosen] alone."""
    table = np.bincount(label * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    there, chosen, right = table.sum(1), table.sum(0), table.diagonal()
    seen = there + chosen > 0
    return {
        "accuracy": ("micro recall", float(right.sum() / there.sum())),
        "balanced_accuracy": ("mean recall", float((right[there > 0] / there[there > 0]).mean())),
        "macro_f1": ("mean of 2 hits / (true + chosen)", float((2 * right[seen] / (there + chosen)[seen]).mean())),
    }
