"""Does what is said of the health of embeddings follow from the embeddings that were kept?"""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose
from typing import Any

import numpy as np

from diptych.audits.findings import Finding
from diptych.audits.kept import Case
from diptych.metrics.base import load
from diptych.records import read_table
from diptych.stages.embed import HEALTH_ROWS, SPREAD

SAME = 1e-6  # relative: singular values of one matrix differ between machines
HEALTH = "health"  # stands for the probe of such scores


def healthy(case: Case) -> Iterator[Finding]:
    """The record describes the embeddings beside it, and the score table repeats the record."""
    said, scored = case.said.records["embed"], _scored(case)
    stated = {(name, metric): v for name, own in said.get("health", {}).items() for metric, v in own.items()}
    if case.said.records["probe"]["status"] == "ok":
        yield from _apart(case, "scores", stated, scored, " (record)")
    if said["status"] != "ok":
        return
    for name, z in _kept(case, said).items():
        if list(z.shape[1:]) != [said["dimensions"].get(name)]:
            where = f"{case.place('embed')}: dimensions of {name}"
            yield Finding("health", case.name, where, str(list(z.shape[1:])), str(said["dimensions"].get(name)))
        found = {(name, metric): value for metric, value in _spread(case, z).items()}
        yield from _apart(case, "embed", found, {p: stated[p] for p in found if p in stated}, " (embeddings)")


def _scored(case: Case) -> dict[tuple[str, str], float]:
    table = read_table(case.files["scores"])
    own = table[table["probe"] == HEALTH]
    return dict(zip(zip(own["embedding"], own["metric"], strict=True), own["value"].astype(float), strict=True))


def _kept(case: Case, said: dict[str, Any]) -> dict[str, np.ndarray]:
    arrays = case.arrays("embeddings")
    return {name: arrays[name] for name in said["embeddings"] if name in arrays}


def _spread(case: Case, z: np.ndarray) -> dict[str, float]:
    """As the embed stage measures it, on test rows."""
    rows = z[np.flatnonzero(case.arrays("embeddings")["split"] == 1)[:HEALTH_ROWS]]
    return {name: float(load(name)(rows, rows)) for name in SPREAD}


def _apart(
    case: Case, role: str, expected: dict[tuple[str, str], float], found: dict[tuple[str, str], float], source: str
) -> Iterator[Finding]:
    for place in sorted(expected.keys() | found.keys()):
        first, second = (values.get(place, np.nan) for values in (expected, found))
        if not (isclose(first, second, rel_tol=SAME, abs_tol=SAME) or (np.isnan(first) and np.isnan(second))):
            yield Finding(
                "health", case.name, f"{case.place(role)}: {' '.join(place)}", f"{first}{source}", str(second)
            )
