"""Does the board still say what was run? Digests, MLflow against files, scores recomputed, and a cell run again.

Each check returns findings: which cell, which file, what was expected, what was found. No finding means that the check
passed; a check that could not be made is a finding too.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diptych import evidence, plan
from diptych.aggregate import Tracked
from diptych.catalog import components
from diptych.records import SCORE_COLUMNS, ContractError, read_json, read_npz, read_table, sha256, write_json
from diptych.scoring import VALIDATION, evaluate
from diptych.state import cell_jobs

if TYPE_CHECKING:
    from diptych.plan import Cell, Plan

# table -> what it was computed from
SCORED = {"scores": "predictions", "robustness": "robustness_predictions", "finetune": "finetune_predictions"}
UNCHANGED = ("embeddings", *SCORED, *SCORED.values())  # by running again


@dataclass(frozen=True)
class Finding:
    """One way in which the evidence does not hold."""

    check: str
    cell: str
    file: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.check}: cell {self.cell}: {self.file}: expected {self.expected}, found {self.found}"


def run(benchmark: str, root: str = "results", uri: str = "", rerun: int = 1) -> list[Finding]:
    """All checks of a benchmark; writes audit.json and audit.txt beside its board."""
    planned = plan.load(benchmark, root)
    folder = planned.root / "boards" / planned.name
    again = _chosen(planned, rerun)
    found = [*_made("ledger", "all", ledger, planned, folder), *_made("rows", "all", rows, planned, folder)]
    found += _made("mlflow", "all", tracked, planned, uri)
    for cell in planned.cells:
        found += _made("jobs", cell.path, stale, planned, cell)
        found += _made("scores", cell.path, recomputed, planned, cell)
    for cell in again:
        found += _made("rerun", cell.path, repeated, planned, cell)
    write(planned, folder, found, again)
    return found


def _made(check: str, where: str, make: Callable[..., Iterator[Finding]], *arguments: Any) -> Iterator[Finding]:
    """The findings of a check; whatever keeps it from being made is a finding too."""
    try:
        yield from make(*arguments)
    except Exception as error:
        yield Finding(check, where, "", "a check that can be made", f"{type(error).__name__}: {error}")


def write(planned: Plan, folder: Path, found: list[Finding], again: list[Cell]) -> None:
    """The findings for programs and for people."""
    rerun = [cell.path for cell in again]
    about = {"plan": planned.digest, "cells": len(planned.cells), "rerun": rerun}
    write_json(folder / "audit.json", about | {"findings": [asdict(finding) for finding in found]})
    said = [str(finding) for finding in found] or ["no finding"]
    head = f"audit of {planned.name}: {len(planned.cells)} cells, run again: {', '.join(rerun) or 'none'}"
    (folder / "audit.txt").write_text("\n".join([head, *said]) + "\n", encoding="utf-8")


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
        yield from _made("mlflow", cell.path, _as_tracked, runs, cell)


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
    """Scores by place; those that were not computed from test predictions (health, retrieval, folds) are left out."""
    kept = table[~table["probe"].str.startswith(("health", "retrieval")) & (table["metric"] != VALIDATION)]
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


def _chosen(planned: Plan, count: int) -> list[Cell]:
    """Cells to run again, drawn from a public seed (the plan's digest) among those that ended well."""
    ended = [cell for cell in planned.cells if _ended_well(planned, cell)]
    return random.Random(planned.digest).sample(ended, min(count, len(ended)))


def _ended_well(planned: Plan, cell: Cell) -> bool:
    try:
        return evidence.read(planned, cell).status == "ok"
    except (ContractError, OSError, ValueError):
        return False  # reported by the other checks


def repeated(planned: Plan, cell: Cell) -> Iterator[Finding]:
    """The recorded jobs of a cell, run in a scratch folder, give the same embeddings and scores bit for bit."""
    from diptych.replay import rerun

    kept = evidence.read(planned, cell)
    jobs = {stage: record["job"] for stage, record in kept.records.items() if stage != "prepare"}
    with tempfile.TemporaryDirectory() as folder:
        made = rerun(planned, cell, jobs, Path(folder), str(kept.records["pretrain"].get("device", "cpu")))
        old = evidence.cell_files(planned, cell)
        for role in (role for role in UNCHANGED if role in old and role in made):
            if difference := _difference(old[role], made[role]):
                yield Finding("rerun", cell.path, old[role].name, "the same values", difference)


def _difference(old: Path, new: Path) -> str:
    """Where two npz or score files differ; empty where they hold the same values."""
    if old.suffix == ".npz":
        first, second = read_npz(old), read_npz(new)
        names = first.keys() ^ second.keys()
        names |= {n for n in first.keys() & second.keys() if not _same(first[n], second[n])}
        return f"other arrays: {', '.join(sorted(names))}" if names else ""
    first_table, second_table = read_table(old), read_table(new)
    columns = list(SCORE_COLUMNS)
    if len(first_table) != len(second_table):
        return f"{len(second_table)} rows instead of {len(first_table)}"
    return "" if first_table[columns].equals(second_table[columns]) else "other scores"


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    nan = first.dtype.kind == "f"
    return first.dtype == second.dtype and bool(np.array_equal(first, second, equal_nan=nan))
