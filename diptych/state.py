"""What of a plan is done: cached, missing or stale per job, and the status of every cell."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from diptych.plan import Cell, Plan
from diptych.records import STATUSES, ContractError, read_json

State = Literal["cached", "missing", "stale"]
CELL_STAGES = ("pretrain", "embed", "probe", "robustness")


@dataclass(frozen=True)
class JobState:
    """One job of the plan, its record file, and whether the record is of this very job."""

    stage: str
    name: str
    job: str
    record: Path
    state: State
    status: str  # of the record, "" where there is none
    reason: str = ""


def jobs(plan: Plan) -> Iterator[JobState]:
    """Every job of a plan up to robustness, in order."""
    for dataset in plan.cards:
        yield _state(
            "download", dataset, plan.job("download", dataset=dataset), plan.root / "data" / dataset / "source.json"
        )
    for dataset, variant in sorted(plan.variants):
        record = plan.root / "data" / dataset / variant / "card.json"
        yield _state("prepare", f"{dataset}/{variant}", plan.job("prepare", dataset=dataset, variant=variant), record)
    for cell in plan.cells:
        yield from cell_jobs(plan, cell)


def cell_jobs(plan: Plan, cell: Cell) -> Iterator[JobState]:
    """The jobs of one cell."""
    files = plan.files(cell)
    records = dict(zip(CELL_STAGES, (files.record, files.embed, files.probe, files.robustness_record), strict=True))
    for stage in plan.cell_stages(cell):
        yield _state(stage, cell.path, plan.cell_job(stage, cell), records[stage])


def _state(stage: str, name: str, job: str, record: Path) -> JobState:
    if not record.exists():
        return JobState(stage, name, job, record, "missing", "")
    try:
        found = read_json(record)
    except ContractError as error:
        return JobState(stage, name, job, record, "stale", "failed", str(error))
    if found.get("status") not in STATUSES:
        return JobState(stage, name, job, record, "stale", "failed", f"{record} has no status")
    same = _identity(found.get("job", {})) == _identity(json.loads(job))
    return JobState(stage, name, job, record, "cached" if same else "stale", found["status"], found.get("reason", ""))


def _identity(job: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in job.items() if key != "after"}


def cell_status(plan: Plan, cell: Cell) -> tuple[str, str]:
    """(status, reason) of a cell: the first record that is not ok, or `running` while one is missing or stale."""
    for job in cell_jobs(plan, cell):
        if job.state != "cached":
            return "pending", f"{job.stage} is {job.state}"
        if job.status != "ok":
            return job.status, job.reason
    return "ok", ""
