"""Embed every sample of a cell's data set with its frozen encoder, and note the health of the representation."""

from pathlib import Path
from typing import Any

import numpy as np

from diptych.data.samples import Samples, from_arrays
from diptych.records import Status, read_json, read_npz, write_json, write_npz

HEALTH_ROWS = 2000  # rows that the health metrics look at
# An encoder is called collapsed when the normalised embeddings of training rows hardly differ (std·√d; 1 = spread
# over the sphere, 0 = one point), or when all of them lie on one line (effective rank after centring).
COLLAPSED_STD, COLLAPSED_RANK = 0.01, 1.05
SPREAD = ("uniformity", "effective_rank", "collapsed_dimensions", "std_ratio")


class Collapsed(ArithmeticError):
    """The encoder maps everything to (nearly) the same embedding."""


def run(
    job: dict[str, Any],
    *,
    data: Path,
    card: Path,
    encoder: Path,
    pretrain: Path,
    embeddings: Path,
    record: Path,
    device: str,
) -> None:
    """Write all named embeddings of all rows; pass a failed pretraining on."""
    from diptych.embedder import resolve, restore
    from diptych.train import Stopwatch, seed_everything

    trained = read_json(pretrain)
    if trained["status"] != "ok":
        blank(
            job, status=trained["status"], reason=trained["reason"], traceback="", embeddings=embeddings, record=record
        )
        return
    facts = read_json(card)["facts"]
    samples = from_arrays(read_npz(data))
    device = resolve(device)
    restored = restore(trained["job"], facts, encoder, device)
    rng = seed_everything(job["seed"], device)
    watch = Stopwatch()
    found = restored.embed(samples)
    seconds = watch.read().seconds
    broken = [name for name, z in found.items() if not np.isfinite(z).all()]
    if broken:
        raise ValueError(f"embeddings {', '.join(broken)} hold NaN or infinity")
    if trained["steps"]:
        _check_collapse(next(iter(found.values())), samples)
    health = {name: _spread(z, samples) for name, z in found.items()}
    for name, value in _alignment(restored, samples, rng, found).items():
        health[name]["alignment"] = value
    arrays = found | _rows(samples)
    if "text_joint" in found and "prompts" in samples.statistics:
        arrays["prompt_joint"] = restored.embed_prompts(samples.statistics["prompts"], facts["classes"])
    write_npz(embeddings, arrays)
    about = {"health_rows": len(_test_rows(samples)), "embeddings": list(found)}
    about |= {"dimensions": {name: z.shape[1] for name, z in found.items()}}
    write_json(record, {"job": job, "status": "ok", "reason": "", "seconds": seconds, "health": health} | about)


def blank(job: dict[str, Any], *, status: Status, reason: str, traceback: str, embeddings: Path, record: Path) -> None:
    """No embeddings, and why."""
    write_npz(embeddings, {})
    if traceback:
        (record.parent / "embed.traceback.txt").write_text(traceback, encoding="utf-8")
    where = {"traceback": str(record.parent / "embed.traceback.txt")} if traceback else {}
    write_json(record, {"job": job, "status": status, "reason": reason, "embeddings": [], "health": {}} | where)


def _rows(samples: Samples) -> dict[str, np.ndarray]:
    rows = {"id": samples.id, "split": samples.split, "label": samples.label, "key": samples.key}
    return rows if samples.group is None else rows | {"group": samples.group}


def _test_rows(samples: Samples) -> np.ndarray:
    return np.flatnonzero(samples.split == 1)[:HEALTH_ROWS]


def _check_collapse(z: np.ndarray, samples: Samples) -> None:
    from diptych.metrics.base import load

    rows = z[np.flatnonzero(samples.split == 0)[:HEALTH_ROWS]]  # [n, d]
    centred = rows - rows.mean(0)
    spread, rank = load("std_ratio")(rows, rows), load("effective_rank")(centred, centred)
    if spread < COLLAPSED_STD or (z.shape[1] > 1 and rank < COLLAPSED_RANK):
        limits = f"limits {COLLAPSED_STD} and {COLLAPSED_RANK}"
        raise Collapsed(f"std·√d of normalised embeddings {spread:.2g}, effective rank {rank:.3g} ({limits})")


def _spread(z: np.ndarray, samples: Samples) -> dict[str, float]:
    """Metrics of one embedding on test rows."""
    from diptych.metrics.base import load

    rows = z[_test_rows(samples)]
    return {name: float(load(name)(rows, rows)) for name in SPREAD}


def _alignment(restored: Any, samples: Samples, rng: Any, found: dict[str, np.ndarray]) -> dict[str, float]:
    """How close two views of a test row are; for pairs, the two modalities of one object."""
    import torch

    from diptych.build import batch_of
    from diptych.metrics.base import load

    alignment = load("alignment")
    rows = _test_rows(samples)
    if "text_joint" in found:
        return {"image_joint": float(alignment(found["image_joint"][rows], found["text_joint"][rows]))}
    train, test = (batch_of(samples, r).to(restored.device) for r in (np.flatnonzero(samples.split == 0), rows))
    view = restored.method.view
    view.calibrate(train, rng)  # what a view learnt (marginals) is data, not weights: it is not stored with them
    with torch.no_grad():
        views = view(test, rng)
    if len(views) != 2:  # nothing was paired
        return {}
    first, second = (restored.embed_batch(view) for view in views)
    return {name: float(alignment(first[name], second[name])) for name in found}
