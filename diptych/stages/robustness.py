"""Score probes of a frozen encoder under damaged inputs and damaged training labels."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from diptych.corruptions.base import load as load_corruption
from diptych.corruptions.base import seeded
from diptych.data.samples import HIDDEN, Samples, from_arrays
from diptych.imputers import NONE
from diptych.imputers.base import filled
from diptych.probes.base import Predictions
from diptych.probes.base import load as load_probe
from diptych.records import read_json, read_npz, write_record
from diptych.scoring import Place, Sheet, blank, embedded_or_blank

__all__ = ["blank", "run"]

Array = np.ndarray
OFF = 0.005  # by which the realised share of damaged labels may differ from the severity without a flag


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
    if embedded_or_blank(job, embed, scores=scores, predictions=predictions, record=record) is None:
        return
    trained = read_json(pretrain)
    start = time.process_time()
    samples = from_arrays(read_npz(data))
    test = samples.split == 1
    sheet = Sheet(samples.label[test], samples.id[test])
    if job["robustness"]:
        facts = read_json(card)["facts"]
        restored = _restored(trained, facts, encoder, device=device, seed=job["seed"])
        _score(sheet, job, samples, restored, facts["classes"])
    sheet.write(scores, predictions)
    about = {"job": job, "status": "ok", "reason": "", "cpu_seconds": time.process_time() - start}
    write_record(record, about | {"fits": sheet.notes}, scores=scores, predictions=predictions)


def _restored(trained: dict[str, Any], facts: dict[str, Any], encoder: Path, *, device: str, seed: int) -> Any:
    """The frozen encoder, on the device and under the seed of the embed stage."""
    from diptych.embedder import resolve, restore
    from diptych.train import seed_everything

    device = resolve(device)
    restored = restore(trained, facts, encoder, device)
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
            realised = _realised(samples, damaged) if damage.target == "label" else None
            for probe, predictions in bench.predict(damaged.label).items():
                _add(sheet, Place(name, probe, corruption, severity), predictions, realised)


def _realised(samples: Samples, damaged: Samples) -> float:
    """Share of training labels that are wrong or hidden: rows and objects cannot be divided."""
    return float((samples.label != damaged.label)[samples.split == 0].mean())


def _add(sheet: Sheet, place: Place, found: Predictions, realised: float | None) -> None:
    if realised is not None and abs(realised - place.severity) > OFF:
        found = replace(found, flags=(*found.flags, f"{place.corruption}_{place.severity:g}_is_{realised:.3g}"))
    sheet.add(place, found)
    sheet.notes[str(place)] |= {} if realised is None else {"realised": realised}


class _Bench:
    """Every probe, prepared on one embedding [n, d] of all samples."""

    def __init__(self, z: Array, samples: Samples, job: dict[str, Any], classes: int) -> None:
        self.train, self.classes, self.seed = samples.split == 0, classes, job["seed"]
        self.groups = None if samples.group is None else samples.group[self.train]
        test = samples.split == 1
        self.probes = {kind: load_probe(kind) for kind in job["probes"]}
        self.prepared = {kind: probe.prepare(z[self.train], z[test]) for kind, probe in self.probes.items()}

    def predict(self, label: Array) -> dict[str, Predictions]:
        """Predictions of each probe after fitting on those of these labels [n] that are not hidden."""
        y = label[self.train]
        known = y != HIDDEN
        groups = None if self.groups is None else self.groups[known]
        return {
            kind: probe.predict(self._on(kind, known), y[known], groups, self.classes, self.seed)
            for kind, probe in self.probes.items()
        }

    def _on(self, kind: str, known: Array) -> Any:
        prepared = self.prepared[kind]
        return prepared if known.all() else self.probes[kind].restrict(prepared, known)
