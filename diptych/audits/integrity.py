"""Do the files still say what was run? Digests, rows, records, MLflow against files, and scores recomputed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diptych import evidence
from diptych.aggregate import Tracked
from diptych.audits.findings import Finding, made
from diptych.catalog import components
from diptych.records import read_json, read_npz, read_table, sha256
from diptych.state import cell_jobs

if TYPE_CHECKING:
    from diptych.plan import Cell, Plan

# table -> what it was computed from
SCORED = {"scores": "predictions", "robustness": "robustness_predictions", "finetune": "finetune_predictions"}


def ledger(planned: Plan, folder: Path) -> Iterator[Finding]:
    """Every file of every cell has the digest that was noted when the board was made."""
    noted = read_json(folder / "ledger.json")
    if noted["plan"] != planned.digest:
        yield Finding("ledger", "all", "ledger.json", f"plan {planned.digest}", f"plan {noted['plan']}")
    for cell, files in noted["cells"].items():
        for name, digest in files.items():
            path = planned.root / name
            found = f"sha256 {sha256(path)}" if path.is_file() else "no such file"
            if found != f"sha256 {digest}":
                yield Finding("ledger", cell, name, f"sha256 {digest}", found)


def rows(planned: Plan, folder: Path) -> Iterator[Finding]:
    """The board has a row for every planned cell and for no other."""
    cells = set(read_table(folder / "results.parquet")["cell"])
    asked = {cell.path for cell in planned.cells}
    for cell in sorted(asked ^ cells):
        states = ("a row", "none") if cell in asked else ("no row", "one")
        yield Finding("rows", cell, "results.parquet", *states)


def stale(planned: Plan, cell: Cell) -> Iterator[Finding]:
    """Every record is of the very job that the plan asks for now: settings, code and data."""
    for job in cell_jobs(planned, cell):
        if job.state != "cached":
            yield Finding("jobs", cell.path, job.record.name, "the job of the plan", f"a {job.state} record")


def tracked(planned: Plan, uri: str) -> Iterator[Finding]:
    """MLflow says what the files say."""
    runs = Tracked.of(planned, uri)
    for cell in planned.cells:
        yield from made("mlflow", cell.path, _as_tracked, runs, cell)


def _as_tracked(runs: Tracked, cell: Cell) -> Iterator[Finding]:
    for d in runs.differences(evidence.read(runs.plan, cell), runs.scores(cell)):
        yield Finding("mlflow", cell.path, d["metric"], f"{d['files']} (files)", f"{d['mlflow']} (MLflow)")


def recomputed(planned: Plan, cell: Cell) -> Iterator[Finding]:
    """Every score follows from the predictions that were kept, bit for bit."""
    files = evidence.cell_files(planned, cell)
    for table, predictions in SCORED.items():
        if table in files:
            again = _scored(read_npz(files[predictions]))
            yield from _compared(cell, files[table].name, _values(read_table(files[table])), again)


def _scored(arrays: dict[str, np.ndarray]) -> dict[tuple[Any, ...], float]:
    """Scores of kept predictions; whether they are probabilities is a property of the probe."""
    from diptych.scoring import evaluate

    known = components("probes")
    found = {}
    for name, scores in arrays.items():
        if name in ("label", "id"):
            continue
        embedding, probe, corruption, severity = name.split("|")
        probabilities = probe in known and bool(known[probe].attributes["probabilities"])
        for metric, (value, _) in evaluate(arrays["label"], scores, probabilities).items():
            found[embedding, probe, corruption, float(severity), metric] = value
    return found


def _values(table: pd.DataFrame) -> dict[tuple[Any, ...], float]:
    """Scores by place; those that were not computed from predictions (health, retrieval) are left out."""
    kept = table[~table["probe"].str.startswith(("health", "retrieval"))]
    places = kept[["embedding", "probe", "corruption", "severity", "metric"]].itertuples(index=False, name=None)
    return dict(zip(places, kept["value"], strict=True))


def _compared(cell: Cell, file: str, written: dict[Any, float], again: dict[Any, float]) -> Iterator[Finding]:
    for place in sorted(written.keys() | again.keys()):
        old, new = written.get(place), again.get(place)
        if not (
            old == new or (_undefined(old) and (new is None or _undefined(new)))
        ):  # what is not there has no scores
            named = " ".join(map(str, place))
            yield Finding("scores", cell.path, f"{file}: {named}", f"{new} (from the predictions)", str(old))


def _undefined(value: float | None) -> bool:
    return value is not None and bool(np.isnan(value))
