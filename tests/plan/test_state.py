"""What counts as done: the record of this very job, made after everything it reads."""

import json
import os

import pytest

from diptych import state
from diptych.plan import Plan
from diptych.records import write_json

TEXT = "name: mine\ndatasets: [wine]\nmethods: {scarf: {}}\nprobes: [linear, finetune]\n"
TEXT += "robustness: {missing_mcar: [0.2]}\n"


@pytest.fixture
def plan(benchmark_file, tmp_path):
    """A plan of which every job has its record, each made after the one before."""
    plan = Plan(benchmark_file(TEXT), root=str(tmp_path / "results"))
    for moment, job in enumerate(list(state.jobs(plan))):
        write_json(job.record, {"status": "ok", "job": json.loads(job.job)})
        os.utime(job.record, (moment, moment))
    return plan


def _states(plan, cell):
    return {job.stage: job.state for job in state.chain(plan, cell)}


def test_all_done(plan):
    assert {job.state for job in state.jobs(plan)} == {"cached"}
    assert {state.cell_status(plan, cell)[0] for cell in plan.cells} == {"ok"}


def test_a_job_is_behind_what_was_done_after_it(plan):
    cell, other = plan.cells[:2]
    os.utime(plan.files(cell).record, (1000, 1000))
    assert _states(plan, cell) == {
        "download": "cached",
        "prepare": "cached",
        "pretrain": "cached",
        "embed": "stale",
        "probe": "stale",
        "robustness": "stale",
        "finetune": "stale",
    }
    assert state.cell_status(plan, cell) == ("pending", "embed is stale")
    assert state.cell_status(plan, other) == ("ok", "")


def test_missing_data_leaves_nothing_done(plan):
    (plan.root / "data" / "wine" / "source.json").unlink()
    states = _states(plan, plan.cells[0])
    assert states.pop("download") == "missing"
    assert set(states.values()) == {"stale"}


def test_a_source_out_of_reach_is_the_status_of_its_cells(plan):
    record = plan.root / "data" / "wine" / "source.json"
    job = json.loads(record.read_text(encoding="utf-8"))["job"]
    write_json(record, {"status": "skipped", "reason": "no network", "job": job})
    os.utime(record, (0, 0))
    assert {state.cell_status(plan, cell) for cell in plan.cells} == {("skipped", "no network")}
