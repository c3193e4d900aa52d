"""Embed every sample of a cell's data set with its frozen encoder, and note the health of the representation."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from diptych.data.samples import Samples, from_arrays
from diptych.records import Status, read_json, read_npz, write_npz, write_record

HEALTH_ROWS = 2000  # rows that the health metrics look at
# An encoder is called collapsed when the normalised embeddings of training rows hardly differ (std·√d; 1 = spread
# over the sphere, 0 = one point), or when all of them lie on one line (effective rank after centring); unless they
# stood no farther apart before the first step: the mean over the windows of a normalised series is alike for all
# series, however well windows are told apart.
COLLAPSED_STD, COLLAPSED_RANK = 0.01, 1.05
# Collapse begins in the projections, since the objective sees nothing else. A fiftieth of the spread is none (those of
# an untrained projector on tables stand at a tenth); and where batch norm keeps it up, less than two directions
# (participation ratio) are what collapse leaves, if the views agree on them: the objective is at its optimum and cannot
# bring others back. Short trainings have few directions too, but no such agreement. Methods that see labels may rightly
# leave two classes one direction.
COLLAPSED_PROJECTION, COLLAPSED_DIRECTIONS, AGREED = 0.02, 2.0, 0.95
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
    from diptych.embedder import PROJECTION, initial, resolve, restore
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
    restored = restore(trained, facts, encoder, device)
    rng = seed_everything(job["seed"], device)
    watch = Stopwatch()
    found = restored.embed(samples)
    seconds = watch.read().seconds
    broken = [name for name, z in found.items() if not np.isfinite(z).all()]
    if broken:
        raise ValueError(f"embeddings {', '.join(broken)} hold NaN or infinity")
    if trained["steps"]:
        untrained = partial(initial, trained, facts, encoder, device)
        check_collapse(_first(found), samples.split, lambda: _first(untrained().embed(samples)))
    seen = found | restored.project(found)
    health = {name: _spread(z, samples) for name, z in seen.items()}
    for name, values in _agreement(restored, samples, rng, seen).items():
        health[name] |= values
    if PROJECTION in seen and "label" not in restored.method.uses:
        _check_projection(seen[PROJECTION], health[PROJECTION].get("alignment", np.nan), samples)
    arrays = found | _rows(samples)
    if "text_joint" in found and "prompts" in samples.statistics:
        arrays["prompt_joint"] = restored.embed_prompts(samples.statistics["prompts"], facts["classes"])
    write_npz(embeddings, arrays)
    about = {"health_rows": len(_test_rows(samples)), "embeddings": list(found)}
    about |= {"dimensions": {name: z.shape[1] for name, z in found.items()}}
    about |= {"job": job, "status": "ok", "reason": "", "seconds": seconds, "health": health}
    write_record(record, about, embeddings=embeddings)


def blank(job: dict[str, Any], *, status: Status, reason: str, traceback: str, embeddings: Path, record: Path) -> None:
    """No embeddings, and why."""
    write_npz(embeddings, {})
    if traceback:
        (record.parent / "embed.traceback.txt").write_text(traceback, encoding="utf-8")
    where = {"traceback": str(record.parent / "embed.traceback.txt")} if traceback else {}
    about: dict[str, Any] = {"job": job, "status": status, "reason": reason, "embeddings": [], "health": {}}
    write_record(record, about | where, embeddings=embeddings)


def _rows(samples: Samples) -> dict[str, np.ndarray]:
    rows = {"id": samples.id, "split": samples.split, "label": samples.label, "key": samples.key}
    return rows if samples.group is None else rows | {"group": samples.group}


def _test_rows(samples: Samples) -> np.ndarray:
    return np.flatnonzero(samples.split == 1)[:HEALTH_ROWS]


def _train_rows(z: np.ndarray, split: np.ndarray) -> np.ndarray:
    return np.asarray(z[np.flatnonzero(split == 0)[:HEALTH_ROWS]], dtype=np.float64)  # [n, d]


def check_collapse(z: np.ndarray, split: np.ndarray, before: Callable[[], np.ndarray]) -> None:
    """Raise Collapsed if training brought the embeddings [n, d] of training rows to a point or a line.

    `before`: those of the untrained encoder, which are only asked for where something is wrong.
    """
    spread, rank = _extent(z, split)
    point, line = spread < COLLAPSED_STD, z.shape[1] > 1 and rank < COLLAPSED_RANK
    if not (point or line):
        return
    first_spread, first_rank = _extent(before(), split)
    if (point and spread <= first_spread) or (line and rank <= first_rank):
        limits = f"limits {COLLAPSED_STD} and {COLLAPSED_RANK}; untrained {first_spread:.2g} and {first_rank:.3g}"
        raise Collapsed(f"std·√d of normalised embeddings {spread:.2g}, effective rank {rank:.3g} ({limits})")


def _first(found: dict[str, np.ndarray]) -> np.ndarray:
    return next(iter(found.values()))


def _extent(z: np.ndarray, split: np.ndarray) -> tuple[float, float]:
    """std·√d of normalised embeddings of training rows, and their effective rank after centring."""
    from diptych.metrics.base import load

    rows = _train_rows(z, split)
    centred = rows - rows.mean(0)
    return load("std_ratio")(rows, rows), load("effective_rank")(centred, centred)


def _check_projection(z: np.ndarray, alignment: float, samples: Samples) -> None:
    """`alignment`: mean squared distance of two views' unit projections; NaN where there are not two."""
    from diptych.metrics._sphere import sphere
    from diptych.metrics.base import load

    rows = _train_rows(z, samples.split)
    unit = sphere(rows)  # [n, d]
    spread, directions = load("std_ratio")(rows, rows), _directions(unit)
    agreement = 1 - alignment / max(2 * unit.var(0).sum(), 1e-300)  # correlation of centred views
    few = z.shape[1] > 1 and directions < COLLAPSED_DIRECTIONS and agreement > AGREED
    if spread < COLLAPSED_PROJECTION or few:
        found = f"std·√d of normalised projections {spread:.2g}, in {directions:.3g} directions"
        limits = f"limits {COLLAPSED_PROJECTION}, or {COLLAPSED_DIRECTIONS:g} on which views agree above {AGREED}"
        raise Collapsed(f"{found}, views agree to {agreement:.3g} ({limits})")


def _directions(z: np.ndarray) -> float:
    """Participation ratio of the covariance's eigenvalues, (Σλ)² / Σλ²: how many directions share the variance."""
    covariance = np.cov(z, rowvar=False)  # [d, d]
    return float(np.trace(covariance) ** 2 / max((covariance**2).sum(), 1e-300))


def _spread(z: np.ndarray, samples: Samples) -> dict[str, float]:
    """Metrics of one embedding on test rows."""
    from diptych.metrics.base import load

    rows = z[_test_rows(samples)]
    return {name: float(load(name)(rows, rows)) for name in SPREAD}


def _agreement(restored: Any, samples: Samples, rng: Any, found: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """What two views of a test row have in common; for pairs, the two modalities of one object."""
    import torch

    from diptych.build import batch_of

    rows = _test_rows(samples)
    if "text_joint" in found:
        return {"image_joint": _shared(found["image_joint"][rows], found["text_joint"][rows])}
    train, test = (batch_of(samples, r).to(restored.device) for r in (np.flatnonzero(samples.split == 0), rows))
    view = restored.method.view
    view.calibrate(train, rng)  # what a view learnt (marginals) is data, not weights: it is not stored with them
    with torch.no_grad():
        views = view(test, rng)
    if len(views) != 2:  # nothing was paired
        return {}
    first, second = (z | restored.project(z) for z in map(restored.embed_batch, views))
    return {name: _shared(first[name], second[name]) for name in first}


def _shared(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    from diptych.metrics.base import load

    return {name: float(load(name)(first, second)) for name in ("alignment", "shared_information")}
