"""Fine-tune the encoder of a cell on the training labels, and score it once on test."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from diptych.data.samples import Samples, from_arrays
from diptych.metrics.base import metrics
from diptych.probes.base import Predictions
from diptych.records import read_json, read_npz, write_record
from diptych.scoring import Place, Sheet, blank, embedded_or_blank

__all__ = ["blank", "run"]

NOTHING = "nothing to fine-tune: no parameter shapes the embedding"
NEEDS = ("labels", "scores", "probabilities")  # of metrics that read predictions


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
    """Score the fine-tuned encoder; no value for one that has nothing to train; pass a cell without embeddings on."""
    from diptych.embedder import resolve, restore
    from diptych.train import seed_everything

    embedded = embedded_or_blank(job, embed, scores=scores, predictions=predictions, record=record)
    if embedded is None:
        return
    start, device = time.process_time(), resolve(device)
    samples, facts = from_arrays(read_npz(data)), read_json(card)["facts"]
    test = samples.split == 1
    sheet, place = Sheet(samples.label[test], samples.id[test]), Place(embedded["embeddings"][0], "finetune")
    restored = restore(read_json(pretrain), facts, encoder, device)
    seed_everything(job["seed"], device)
    if found := _predictions(restored, samples, facts["classes"], job["seed"]):
        sheet.add(place, found)
    else:
        for metric in (name for name, metric in metrics().items() if metric.needs in NEEDS):
            sheet.add_value(place, metric, float("nan"), int(test.sum()), NOTHING)
    sheet.write(scores, predictions)
    about = {"job": job, "status": "ok", "reason": "", "cpu_seconds": time.process_time() - start}
    write_record(record, about | {"fits": sheet.notes}, scores=scores, predictions=predictions)


def _predictions(restored: Any, samples: Samples, classes: int, seed: int) -> Predictions | None:
    """Of the test rows, whose labels are not read."""
    from diptych.build import batch_of
    from diptych.probes.finetune import Finetune
    from diptych.train import Diverged

    train, test = (np.flatnonzero(samples.split == split) for split in (0, 1))
    rows = batch_of(samples, train, frozenset({"label"})).to(restored.device)
    groups = None if samples.group is None else samples.group[train]
    unseen = batch_of(samples, test).to(restored.device)
    found = Finetune().predict(restored.method, rows, unseen, groups, classes=classes, seed=seed)
    if found and not np.isfinite(found.scores).all():
        raise Diverged("fine-tuning ended with scores that are not finite")
    return found
