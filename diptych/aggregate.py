"""From MLflow back to one long table, checked value by value against the files.

At least one row per planned cell (a fixed denominator): a cell without scores keeps its status and reason.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from diptych import evidence
from diptych.evidence import Evidence
from diptych.records import ContractError, atomic, read_table, sha256, write_json
from diptych.replay import command
from diptych.store import Store, grouped

if TYPE_CHECKING:
    from mlflow.entities import Run

    from diptych.plan import Cell, Plan

RESULTS = (
    "benchmark", "dataset", "modality", "condition", "method", "role", "config", "params", "seed", "status", "reason",
    "embedding", "probe", "corruption", "severity", "metric", "value", "n", "seconds", "memory_mb", "parameters",
    "run_id", "cell", "key",
)  # fmt: skip
SHOWN = 20  # differences named in one message
Difference = dict[str, Any]


class Mismatch(ContractError):
    """MLflow and the files do not say the same."""


@dataclass(frozen=True)
class Tracked:
    """The runs of a plan as MLflow returns them."""

    plan: Plan
    store: Store
    runs: dict[Cell, Run]

    @classmethod
    def of(cls, plan: Plan, uri: str) -> Tracked:
        """The one run of every planned cell; a cell without one, or with several, is an error."""
        store = Store.existing(uri, plan.root, plan.name)
        known = grouped(store.runs(), "diptych.cell")
        return cls(plan, store, {cell: _only(cell, known.get(cell.path, [])) for cell in plan.cells})

    def scores(self, cell: Cell) -> pd.DataFrame:
        """The long score table of a cell's run."""
        with tempfile.TemporaryDirectory() as folder:
            return read_table(self.store.artifact(self.runs[cell], "scores.parquet", folder))

    def differences(self, files: Evidence, scores: pd.DataFrame) -> list[Difference]:
        """Every value in which a cell's files differ from its run: cell, metric, and both values."""
        run, cell = self.runs[files.cell], files.cell
        stated = {"status": files.status, "key": files.key, "content": files.content}
        tags = {name: run.data.tags.get(f"diptych.{name}") for name in stated}
        table = [] if scores.equals(files.scores) else [_difference(cell, "score table", "as written", "another")]
        return _differing(cell, files.metrics, run.data.metrics) + _differing(cell, stated, tags) + table


def _only(cell: Cell, runs: list[Run]) -> Run:
    if len(runs) == 1 and runs[0].info.status != "RUNNING":
        return runs[0]
    state = f"{len(runs)} runs" if len(runs) != 1 else "a run that never ended"
    raise Mismatch(f"cell {cell.path}: MLflow has {state}; run `diptych track` again")


def _differing(cell: Cell, files: dict[str, Any], tracked: dict[str, Any]) -> list[Difference]:
    names = sorted(files.keys() | tracked.keys())
    pairs = [(name, files.get(name), tracked.get(name)) for name in names]
    return [_difference(cell, *pair) for pair in pairs if pair[1] != pair[2]]


def _difference(cell: Cell, metric: str, files: Any, tracked: Any) -> Difference:
    return {"cell": cell.path, "metric": metric, "files": files, "mlflow": tracked}


def explain(found: list[Difference]) -> str:
    """The differences as lines."""
    lines = [f"cell {d['cell']}: {d['metric']} is {d['mlflow']} in MLflow and {d['files']} in the files" for d in found]
    more = [f"… and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([*lines[:SHOWN], *more])


def write(plan: Plan, uri: str, folder: Path) -> pd.DataFrame:
    """Check MLflow against the files, then write results, cells and ledger."""
    tracked = Tracked.of(plan, uri)
    rows, about, found = [], [], []
    for cell in plan.cells:
        files, scores = evidence.read(plan, cell), tracked.scores(cell)
        found += tracked.differences(files, scores)
        rows.append(_rows(plan, cell, tracked.runs[cell], scores))
        about.append(_about(plan, files, tracked.runs[cell]))
    if found:
        raise Mismatch(explain(found))
    table, cells = _typed(pd.concat(rows, ignore_index=True)), pd.DataFrame(about)
    atomic(folder / "results.parquet", lambda path: table.to_parquet(path, index=False))
    atomic(folder / "results.csv", lambda path: table.to_csv(path, index=False))
    atomic(folder / "cells.parquet", lambda path: cells.to_parquet(path, index=False))
    write_json(folder / "ledger.json", {"plan": plan.digest, "cells": ledger(plan)})
    return table


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    return table[list(RESULTS)].astype({"severity": "float64", "value": "float64", "n": "Int64"})


def _rows(plan: Plan, cell: Cell, run: Run, scores: pd.DataFrame) -> pd.DataFrame:
    """The score rows of a cell with its identity beside them; one row without a score where there is none."""
    tags = run.data.tags
    about = {
        "benchmark": plan.name,
        "dataset": cell.dataset,
        "modality": tags["diptych.modality"],
        "condition": cell.condition,
        "method": cell.method,
        "role": tags["diptych.role"],
        "config": cell.config,
        "params": json.dumps(run.data.params, sort_keys=True),
        "seed": cell.seed,
        "status": tags["diptych.status"],
        "run_id": run.info.run_id,
        "cell": cell.path,
        "key": tags["diptych.key"],
    }
    about |= {name: run.data.metrics.get(f"cost/{name}", float("nan")) for name in evidence.COSTS}
    table = scores if len(scores) else scores.reindex([0])
    own = table["reason"].fillna("").astype(str)
    reason = own.where(own != "", tags["diptych.reason"])
    return table.assign(**about, reason=reason).fillna({"embedding": "", "probe": "", "corruption": "", "metric": ""})


def _about(plan: Plan, files: Evidence, run: Run) -> dict[str, Any]:
    """One planned cell: everything its run is tagged with, and the exact command of its pretraining."""
    tags = {n.removeprefix("diptych."): v for n, v in run.data.tags.items() if n.startswith("diptych.")}
    cost = {name: run.data.metrics.get(f"cost/{name}", float("nan")) for name in evidence.COSTS}
    cost["mean_final_loss"] = run.data.metrics.get("mean_final_loss", float("nan"))
    line = command(plan, files.cell, "pretrain", files.records["pretrain"].get("job") or {})
    params = json.dumps(run.data.params, sort_keys=True)
    return tags | cost | {"run_id": run.info.run_id, "params": params, "command": line, "seed": files.cell.seed}


def ledger(plan: Plan) -> dict[str, dict[str, str]]:
    """sha256 of every file of every cell, by path below the results folder."""
    return {
        cell.path: {_below(plan, path): sha256(path) for path in evidence.require(plan, cell).values()}
        for cell in plan.cells
    }


def _below(plan: Plan, path: Path) -> str:
    return path.relative_to(plan.root).as_posix()
