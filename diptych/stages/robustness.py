"""Score probes of a frozen encoder under damaged inputs and damaged training labels."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from diptych.corruptions.base import load as load_corruption
from diptych.corruptions.base import seeded
from diptych.data.samples import Samples, from_arrays
from diptych.imputers import NONE
from diptych.imputers.base import filled
from diptych.probes.base import Predictions
from diptych.probes.base import load as load_probe
from diptych.records import read_json, read_npz, write_json
from diptych.scoring import Place, Sheet, blank

__all__ = ["blank", "run"]

Array = np.ndarray


def run(
    job: dict[str, Any],
    *,
    data: Path,
    card: Path,
    encoder: Path,
    pretrain: Path,
    embed: Path,
    scores: Path,
    predictions: Path,
    record: Path,
    device: str,
) -> None:
    """Probe the ranked embedding under every corruption and severity; pass a cell without embeddings on."""
    embedded = read_json(embed)
    if embedded["status"] != "ok":
        ended = {"status": embedded["status"], "reason": embedded["reason"], "traceback": ""}
        blank(job, **ended, scores=scores, predictions=predictions, record=record)
        return
    trained = read_json(pretrain)
    start = time.process_time()
    samples = from_arrays(read_npz(data))
    test = samples.split == 1
    sheet = Sheet(samples.label[test], samples.id[test])
    if job["robustness"]:
        facts = read_json(card)["facts"]
        restored = _restored(trained["job"], facts, encoder, device=device, seed=job["seed"])
        _score(sheet, job, samples, restored, facts["classes"])
    sheet.write(scores, predictions)
    about = {"job": job, "status": "ok", "reason": "", "cpu_seconds": time.process_time() - start}
    write_json(record, about | {"fits": sheet.notes})


def _restored(pretrain_job: dict[str, Any], facts: dict[str, Any], encoder: Path, *, device: str, seed: int) -> Any:
    """The frozen encoder, on the device and under the seed of the embed stage."""
    from diptych.embedder import resolve, restore
    from diptych.train import seed_everything

    device = resolve(device)
    restored = restore(pretrain_job, facts, encoder, device)
    seed_everything(seed, device)
    return restored


def _score(sheet: Sheet, job: dict[str, Any], samples: Samples, restored: Any, classes: int) -> None:
    """Damaged labels, and severity 0 where it is asked for, reuse what was prepared on the clean embedding."""
    impute = job.get("impute", NONE)
    found = restored.embed(filled(samples, impute))
    name = next(iter(found))
    undamaged = _Bench(found[name], samples, job, classes)
    for corruption, severities in job["robustness"].items():
        damage = load_corruption(corruption)
        for severity in sorted(severities):
            damaged = damage(samples, severity, seeded(job["dataset"], corruption, job["seed"]))
            same_inputs = damage.target == "label" or severity == 0
            bench = undamaged
            if not same_inputs:
                bench = _Bench(restored.embed(filled(damaged, impute))[name], samples, job, classes)
            _add(sheet, name, bench.predict(damaged.label), corruption, severity)


def _add(sheet: Sheet, name: str, found: dict[str, Predictions], corruption: str, severity: float) -> None:
    for probe, predictions in found.items():
        sheet.add(Place(name, probe, corruption, severity), predictions)


class _Bench:
    """Every probe, prepared on one embedding [n, d] of all samples."""

    def __init__(self, z: Array, samples: Samples, job: dict[str, Any], classes: int) -> None:
        self.train, self.classes, self.seed = samples.split == 0, classes, job["seed"]
        self.groups = None if samples.group is None else samples.group[self.train]
        test = samples.split == 1
        self.probes = {kind: load_probe(kind) for kind in job["probes"]}
        self.prepared = {kind: probe.prepare(z[self.train], z[test]) for kind, probe in self.probes.items()}

    def predict(self, label: Array) -> dict[str, Predictions]:
        """Predictions of each probe after fitting on these labels [n]."""
        y = label[self.train]
        return {
            kind: probe.predict(self.prepared[kind], y, self.groups, self.classes, self.seed)
            for kind, probe in self.probes.items()
        }
