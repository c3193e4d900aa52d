"""From files to MLflow: one experiment per benchmark, a parent run per data set × method, a run per planned cell.

A run repeats what the cell's files say and carries their digest, so that tracking twice adds nothing and changed files
replace their run.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diptych import evidence
from diptych.evidence import Evidence
from diptych.fingerprint import digest
from diptych.provenance import LOCK
from diptych.records import sha256
from diptych.replay import command
from diptych.store import Store, grouped, one_writer

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Metric, Run

    from diptych.plan import Cell, Plan

BATCH = 900  # metrics per request; MLflow takes at most 1000
LONGEST_REASON = 4000
LONGEST_PROFILE = 10_000


def sync(plan: Plan, uri: str = "") -> dict[str, int]:
    """Bring the store in line with the files of every planned cell; returns what was added, replaced and kept."""
    contents = {cell: evidence.content_of(plan, cell) for cell in plan.cells}  # fails before anything is written
    counts = {"added": 0, "replaced": 0, "kept": 0}
    with one_writer(uri, plan.root):
        store = Store.open(uri, plan.root, plan.name)
        runs = store.runs()
        tracked = grouped(runs, "diptych.cell")
        parents = {name: same[0].info.run_id for name, same in grouped(runs, "diptych.parent").items()}
        writer = _Writer(store, plan, parents)
        for cell, content in contents.items():
            counts[writer.sync(cell, content, tracked.pop(cell.path, []))] += 1
        left = [run for same in tracked.values() for run in same]  # of cells that this plan does not ask for
        _end_abandoned(store, left, "KILLED")
        _end_abandoned(store, [run for run in runs if "diptych.parent" in run.data.tags], "FINISHED")
    return counts


def _end_abandoned(store: Store, runs: list[Run], status: str) -> None:
    """What an interrupted tracking left running."""
    for run in runs:
        if run.info.status == "RUNNING":
            store.client.set_terminated(run.info.run_id, status)


@dataclass
class _Writer:
    store: Store
    plan: Plan
    parents: dict[str, str]  # "data set/method" -> run id

    def sync(self, cell: Cell, content: str, runs: list[Run]) -> str:
        """Keep the one finished run of this content, or write it; anything else of the cell goes."""
        done = [r for r in runs if r.info.status != "RUNNING" and r.data.tags.get("diptych.content") == content]
        if not done:
            self.write(evidence.read(self.plan, cell))
        for run in runs:
            if run not in done[:1]:
                self.store.client.delete_run(run.info.run_id)
        return "kept" if done else "replaced" if runs else "added"

    def write(self, found: Evidence) -> None:
        """One run: created, filled in batches, and ended last, so that an interrupted one is known by its state."""
        from mlflow.entities import Param

        client, cell = self.store.client, found.cell
        end = round(self.plan.files(cell).record.stat().st_mtime * 1000)
        start = end - round(found.cost.get("cost/seconds", 0.0) * 1000)
        tags = _tags(self.plan, found) | {"mlflow.parentRunId": self.parent(cell)}
        name = f"{cell.method} {cell.config} seed {cell.seed}"
        run = client.create_run(self.store.experiment, start, tags, name).info.run_id
        client.log_batch(run, params=[Param(key, str(value)) for key, value in self.plan.flat(cell).items()])
        metrics = _metrics(found, end)
        for first in range(0, len(metrics), BATCH):
            client.log_batch(run, metrics=metrics[first : first + BATCH])
        client.log_inputs(run, [_dataset_input(self.plan, found)])
        with tempfile.TemporaryDirectory() as folder:
            _fill(Path(folder), self.plan, found)
            client.log_artifacts(run, folder)
        client.set_terminated(run, "FINISHED" if found.status == "ok" else "FAILED", end)

    def parent(self, cell: Cell) -> str:
        """The run that groups the cells of a data set × method, made once."""
        name = f"{cell.dataset}/{cell.method}"
        if name not in self.parents:
            modality = self.plan.card(cell.dataset).modality
            tags = {"diptych.parent": name, "diptych.modality": modality, "diptych.role": self.plan.role(cell)}
            client = self.store.client
            run = client.create_run(self.store.experiment, tags=tags, run_name=f"{cell.method} on {cell.dataset}")
            client.set_terminated(run.info.run_id, "FINISHED")
            self.parents[name] = run.info.run_id
        return self.parents[name]


def _metrics(found: Evidence, when: int) -> list[Metric]:
    """Scores and cost as single values, the loss as a curve over steps."""
    from mlflow.entities import Metric

    scalars = [Metric(name, value, when, 0) for name, value in found.metrics.items() if name != "loss"]
    return scalars + [Metric("loss", loss, when, step) for step, loss in found.loss_curve]


def _tags(plan: Plan, found: Evidence) -> dict[str, str]:
    commit = str(found.records["pretrain"].get("commit", ""))
    shown = {"mlflow.source.name": "diptych", "mlflow.source.type": "LOCAL"}
    shown |= {"mlflow.source.git.commit": commit} if commit else {}
    shown |= {"mlflow.note.content": f"{found.status}: {found.reason[:LONGEST_REASON]}"} if found.stage else {}
    return {f"diptych.{name}": value for name, value in own_tags(plan, found).items()} | shown


def own_tags(plan: Plan, found: Evidence) -> dict[str, str]:
    """What a run says of its cell beside scores and parameters; boards read it back."""
    cell, pretrain = found.cell, found.records["pretrain"]
    return {
        "cell": cell.path,
        "key": found.key,
        "content": found.content,
        "status": found.status,
        "reason": found.reason[:LONGEST_REASON],
        "stage": found.stage,
        "traceback": str(found.records[found.stage].get("traceback", "")) if found.stage else "",
        "role": plan.role(cell),
        "modality": plan.card(cell.dataset).modality,
        "dataset": cell.dataset,
        "method": cell.method,
        "config": cell.config,
        "seed": str(cell.seed),
        "condition": cell.condition,
        "embedding": found.embedding,
        "flags": json.dumps(found.flags, sort_keys=True),
        "test_counts": json.dumps(found.test_counts),
        "code": str((pretrain.get("job") or {}).get("code", "")),
        "data": _data_fingerprint(found),
        "commit": str(pretrain.get("commit", "")),
        "dirty": str(bool(pretrain.get("dirty"))).lower(),
        "lock": str((pretrain.get("environment") or {}).get("lock", "")),
    }


def _data_fingerprint(found: Evidence) -> str:
    """One digest over the fingerprints of all prepared arrays."""
    return digest(found.records["prepare"].get("fingerprints") or {}, 32)


def _dataset_input(plan: Plan, found: Evidence) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    card, prepared = plan.card(found.cell.dataset), found.records["prepare"]
    source: dict[str, Any] = {"licence": card.licence, "citation": card.citation, "synthetic": card.synthetic}
    source["sources"] = [s.model_dump(mode="json", exclude_defaults=True) for s in card.sources]
    profile = {"counts": prepared.get("counts") or {}, "facts": prepared.get("facts") or {}}
    dataset = Dataset(
        name=card.name,
        digest=_data_fingerprint(found),
        source_type="diptych",
        source=json.dumps(source),
        profile=json.dumps(profile)[:LONGEST_PROFILE],
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training and evaluation")])


def _fill(folder: Path, plan: Plan, found: Evidence) -> None:
    """The artifacts: long score table, card, resolved configuration with jobs and commands, environment, lock."""
    found.scores.to_parquet(folder / "scores.parquet", index=False)
    jobs = {stage: record["job"] for stage, record in found.records.items() if record.get("job")}
    commands = {s: command(plan, found.cell, s, job) for s, job in jobs.items() if s != "prepare"}
    config = {"settings": plan.settings(found.cell), "jobs": jobs, "commands": commands}
    environment = found.records["pretrain"].get("environment") or {}
    for name, content in (("card", found.records["prepare"]), ("config", config), ("environment", environment)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2, sort_keys=True), encoding="utf-8")
    if LOCK.exists() and sha256(LOCK) == environment.get("lock"):  # another lock than the run's would mislead
        (folder / LOCK.name).write_bytes(LOCK.read_bytes())
