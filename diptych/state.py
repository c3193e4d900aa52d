"""What of a plan is done: cached, missing or stale per job, and the status of every cell."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from diptych.plan import Cell, Plan
from diptych.records import STATUSES, ContractError, read_json

State = Literal["cached", "missing", "stale"]
CELL_STAGES = ("pretrain", "embed", "probe", "robustness", "finetune")
UPSTREAM: dict[str, tuple[str, ...]] = {  # the stages of a cell whose files a stage reads, besides prepared data
    "pretrain": (),
    "embed": ("pretrain",),
    "probe": ("embed",),
    "robustness": ("embed",),
    "finetune": ("embed",),
}


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
    """Every job of a plan up to the scores of cells, in order; shared ones once."""
    seen: dict[tuple[str, str], JobState] = {}
    for cell in plan.cells:
        seen |= {(job.stage, job.name): job for job in chain(plan, cell)}
    order = ("download", "prepare", *CELL_STAGES)
    yield from sorted(seen.values(), key=lambda job: order.index(job.stage))


def chain(plan: Plan, cell: Cell) -> list[JobState]:
    """Every job that a cell needs; one is stale if anything above it is to be done, or was done after it."""
    download = _download(plan, cell.dataset)
    variants = {stage: plan.variant(cell, stage) for stage in plan.cell_stages(cell)}
    prepared = {v: _behind(_prepared(plan, cell.dataset, v), [download]) for v in dict.fromkeys(variants.values())}
    found: dict[str, JobState] = {}
    for job in cell_jobs(plan, cell):
        found[job.stage] = _behind(job, [prepared[variants[job.stage]], *(found[s] for s in UPSTREAM[job.stage])])
    return [download, *prepared.values(), *found.values()]


def _download(plan: Plan, dataset: str) -> JobState:
    job = plan.job("download", dataset=dataset)
    return _state("download", dataset, job, plan.root / "data" / dataset / "source.json")


def _prepared(plan: Plan, dataset: str, variant: str) -> JobState:
    job = plan.job("prepare", dataset=dataset, variant=variant)
    return _state("prepare", f"{dataset}/{variant}", job, plan.root / "data" / dataset / variant / "card.json")


def data_jobs(plan: Plan) -> Iterator[JobState]:
    """The jobs of data sets and their variants, each by its own record."""
    yield from (_download(plan, dataset) for dataset in plan.cards)
    yield from (_prepared(plan, dataset, variant) for dataset, variant in plan.variants)


def cell_jobs(plan: Plan, cell: Cell) -> Iterator[JobState]:
    """The jobs of one cell alone, each by its own record."""
    files = plan.files(cell)
    kept = (files.record, files.embed, files.probe, files.robustness_record, files.finetune_record)
    records = dict(zip(CELL_STAGES, kept, strict=True))
    for stage in plan.cell_stages(cell):
        yield _state(stage, cell.path, plan.cell_job(stage, cell), records[stage])


def _behind(job: JobState, upstream: list[JobState]) -> JobState:
    if job.state != "cached":
        return job
    made = job.record.stat().st_mtime_ns
    done = all(above.state == "cached" and above.record.stat().st_mtime_ns <= made for above in upstream)
    return job if done else replace(job, state="stale")


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
    for job in chain(plan, cell):
        if job.state != "cached":
            return "pending", f"{job.stage} is {job.state}"
        if job.status != "ok":
            return job.status, job.reason
    return "ok", ""
