"""A cell's stages as they were run: the exact commands, and the same work again in another folder."""

import importlib
import json
import shlex
from pathlib import Path
from typing import Any

from diptych.plan import Cell, Plan

# stage -> its file arguments and the role of each in a cell's files; the first line of each pair are inputs
INPUTS: dict[str, dict[str, str]] = {
    "pretrain": {"data": "pretrain_data", "card": "pretrain_card"},
    "embed": {"data": "data", "card": "card", "encoder": "encoder", "pretrain": "record"},
    "probe": {"card": "card", "embeddings": "embeddings", "embed": "embed"},
    "robustness": {
        "data": "robustness_data",
        "card": "robustness_card",
        "encoder": "encoder",
        "pretrain": "record",
        "embed": "embed",
    },
    "finetune": {"data": "data", "card": "card", "encoder": "encoder", "pretrain": "record", "embed": "embed"},
}
OUTPUTS: dict[str, dict[str, str]] = {
    "pretrain": {"encoder": "encoder", "record": "record", "history": "history"},
    "embed": {"embeddings": "embeddings", "record": "embed"},
    "probe": {"scores": "scores", "predictions": "predictions", "record": "probe"},
    "robustness": {
        "scores": "robustness",
        "predictions": "robustness_predictions",
        "record": "robustness_record",
    },
    "finetune": {"scores": "finetune", "predictions": "finetune_predictions", "record": "finetune_record"},
}
PREPARED = {role for inputs in INPUTS.values() for role in inputs.values()} - {
    role for outputs in OUTPUTS.values() for role in outputs.values()
}  # what the stages of the cell do not make themselves
ON_DEVICE = ("pretrain", "embed", "robustness", "finetune")


def command(plan: Plan, cell: Cell, stage: str, job: dict[str, Any]) -> str:
    """The line that does a stage of a cell again, in place."""
    files = plan.files(cell)
    pairs = [(name, getattr(files, role)) for name, role in (INPUTS[stage] | OUTPUTS[stage]).items()]
    words = [word for name, path in pairs for word in (f"--{name}", path.as_posix())]
    return shlex.join(["diptych", stage, json.dumps(job, sort_keys=True), *words])


def rerun(plan: Plan, cell: Cell, jobs: dict[str, dict[str, Any]], folder: Path, device: str) -> dict[str, Path]:
    """Run the recorded jobs of a cell's stages into `folder`; returns the new files by role."""
    known = {role: getattr(plan.files(cell), role) for role in PREPARED}
    for stage, job in jobs.items():
        made = {role: folder / stage / getattr(plan.files(cell), role).name for role in OUTPUTS[stage].values()}
        known |= made
        (folder / stage).mkdir(parents=True, exist_ok=True)
        arguments = {name: known[role] for name, role in (INPUTS[stage] | OUTPUTS[stage]).items()}
        extra = {"device": device} if stage in ON_DEVICE else {}
        importlib.import_module(f"diptych.stages.{stage}").run(job, **arguments, **extra)
    return known
