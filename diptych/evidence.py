"""What the files of one planned cell say: its status, its scores, and the names under which they are tracked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diptych.fingerprint import digest
from diptych.records import SCORE_COLUMNS, ContractError, empty_scores, read_json, read_npz, read_table, sha256

if TYPE_CHECKING:
    from diptych.plan import Cell, CellFiles, Plan

STAGES = {
    "prepare": "card",
    "pretrain": "record",
    "embed": "embed",
    "probe": "probe",
    "robustness": "robustness_record",
    "finetune": "finetune_record",
}
SCORES = ("scores", "robustness", "finetune")  # the score tables
TRACKED = ("history", *SCORES, *STAGES.values())  # files whose content a tracked run repeats
COSTS = ("seconds", "memory_mb", "parameters")
FORMAT = 2  # of a tracked run; a higher one makes every run be written again
LOSS_POINTS = 500  # of a tracked loss curve


@dataclass(frozen=True)
class Evidence:
    """One cell as its files have it."""

    cell: Cell
    status: str
    reason: str
    stage: str  # the first stage that did not end well; empty for an ok cell
    embedding: str  # the one that boards rank
    scores: pd.DataFrame  # SCORE_COLUMNS, clean and damaged
    history: pd.DataFrame  # step, epoch, loss
    records: dict[str, dict[str, Any]]  # by stage
    test_counts: tuple[int, ...]  # test samples of each class; empty when nothing was predicted
    key: str  # identity: digest of all jobs of the cell
    content: str  # digest of the tracked files

    @property
    def metrics(self) -> dict[str, float]:
        """Every defined score by its tracked name, the cost of pretraining, the last loss and the final one."""
        defined = self.scores[np.isfinite(self.scores["value"])]
        names = [metric_name(row, self.embedding) for row in defined.itertuples()]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ContractError(f"cell {self.cell.path}: {min(twice)} is scored twice")
        curve = self.loss_curve
        last = {"loss": curve[-1][1], "mean_final_loss": self.mean_final_loss} if curve else {}
        return dict(zip(names, defined["value"].astype(float), strict=True)) | self.cost | last

    @property
    def cost(self) -> dict[str, float]:
        """Seconds, peak memory and parameters of pretraining, as far as they were measured."""
        record = self.records["pretrain"]
        named = {name: record.get(name) for name in COSTS}
        return {f"cost/{name}": float(value) for name, value in named.items() if value is not None}

    @property
    def flags(self) -> dict[str, int]:
        """How often a fit of a probe ended with a warning: not_converged, edge_of_grid, …."""
        fits = [fit for record in self.records.values() for fit in (record.get("fits") or {}).values()]
        return dict(Counter(flag for fit in fits for flag in fit.get("flags", ())))

    @property
    def mean_final_loss(self) -> float:
        """Mean loss of the last tenth of the steps, which a single batch does not decide."""
        finite = self.history["loss"][np.isfinite(self.history["loss"])]
        return float(finite.iloc[-max(1, len(finite) // 10) :].mean())

    @property
    def loss_curve(self) -> list[tuple[int, float]]:
        """At most LOSS_POINTS finite (step, loss), first and last included."""
        finite = self.history[np.isfinite(self.history["loss"])]
        kept = np.unique(np.linspace(0, len(finite) - 1, min(len(finite), LOSS_POINTS)).round().astype(int))
        thin = finite.iloc[kept]
        return [(int(step), float(loss)) for step, loss in zip(thin["step"], thin["loss"], strict=True)]


def metric_name(row: Any, ranked: str) -> str:
    """`linear/accuracy` for the ranked embedding on clean data, `text/missing_mcar-0.2/linear/accuracy` for others."""
    damage = {"clean": "", "permuted": "permuted/"}.get(row.corruption, f"{row.corruption}-{row.severity:g}/")
    embedding = "" if row.embedding == ranked else f"{row.embedding}/"
    return f"{embedding}{damage}{row.probe}/{row.metric}"


def cell_files(plan: Plan, cell: Cell) -> dict[str, Path]:
    """Every file that a cell must have, by its role."""
    files: CellFiles = plan.files(cell)
    absent = tuple({"robustness", "finetune"} - set(plan.cell_stages(cell)))
    roles = [field.name for field in fields(files) if field.name != "run" and not field.name.startswith(absent)]
    return {role: getattr(files, role) for role in roles}


def require(plan: Plan, cell: Cell) -> dict[str, Path]:
    """The files of a cell; a missing one means a broken disk or an unfinished run, never a failed method."""
    files = cell_files(plan, cell)
    if missing := [path for path in files.values() if not path.is_file()]:
        raise ContractError(f"cell {cell.path}: no file {missing[0]}; the run is unfinished or the file was removed")
    return files


def content_of(plan: Plan, cell: Cell) -> str:
    """Digest of what a tracked run repeats: the files, and the way of tracking them."""
    files = require(plan, cell)
    return digest([FORMAT, {name: sha256(files[name]) for name in TRACKED if name in files}], 32)


def read(plan: Plan, cell: Cell) -> Evidence:
    """Read and check all tracked files of a cell."""
    files = require(plan, cell)
    records = {stage: read_json(files[name]) for stage, name in STAGES.items() if name in files}
    stage = next((stage for stage, record in records.items() if _status(record, stage, cell) != "ok"), "")
    ended = records[stage] if stage else {"status": "ok", "reason": ""}
    return Evidence(
        cell=cell,
        status=ended["status"],
        reason=str(ended.get("reason", "")),
        stage=stage,
        embedding=next(iter(records["embed"].get("embeddings") or []), ""),
        scores=_scores(files),
        history=read_table(files["history"]),
        records=records,
        test_counts=_test_counts(files["predictions"]),
        key=digest({stage: record.get("job") for stage, record in records.items()}, 32),
        content=content_of(plan, cell),
    )


def _status(record: dict[str, Any], stage: str, cell: Cell) -> str:
    if "status" not in record:
        raise ContractError(f"cell {cell.path}: the {stage} record has no status")
    return str(record["status"])


def _scores(files: dict[str, Path]) -> pd.DataFrame:
    tables = [read_table(files[name]) for name in SCORES if name in files]
    filled = [table[list(SCORE_COLUMNS)] for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else empty_scores()


def _test_counts(predictions: Path) -> tuple[int, ...]:
    label = read_npz(predictions).get("label")
    return () if label is None or not len(label) else tuple(np.bincount(label.astype(np.int64)).tolist())
