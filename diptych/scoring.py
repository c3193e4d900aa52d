"""From predictions to score rows: what the probe and robustness stages share. Imports no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from diptych.metrics.base import Undefined, load, metrics
from diptych.probes.base import Predictions
from diptych.records import SCORE_COLUMNS, Status, empty_scores, read_json, write_npz, write_record, write_scores

Array = np.ndarray

LEVEL = 1e-6  # similarities of unit vectors closer than this are ties: float32 knows no better
VALIDATION = "validation"  # the metric by which configurations of a method may be chosen
NOT_PROBABILITIES = "the scores are decision values, not probabilities"


@dataclass(frozen=True)
class Place:
    """Where a score belongs: which embedding, read by which probe, under which damage."""

    embedding: str
    probe: str
    corruption: str = "clean"
    severity: float = 0.0

    def __str__(self) -> str:
        """The name of the predictions in their file."""
        return f"{self.embedding}|{self.probe}|{self.corruption}|{self.severity:g}"


class Sheet:
    """The score rows, kept predictions and fitting notes of one encoder, as they come in."""

    def __init__(self, label: Array, ids: Array) -> None:
        self.label = label  # int64 [n_test]
        self.predictions: dict[str, Array] = {"label": label, "id": ids}
        self.notes: dict[str, dict[str, Any]] = {}
        self._rows: list[dict[str, Any]] = []

    def add(self, place: Place, found: Predictions) -> None:
        """Score predictions of the test rows by every metric that reads them, and keep them."""
        self.predictions[str(place)] = found.scores
        self.notes[str(place)] = {"tuned": found.tuned, "flags": list(found.flags)}
        for metric, (value, reason) in evaluate(self.label, found.scores, found.probabilities).items():
            self.add_value(place, metric, value, len(self.label), reason)
        if found.held_out is not None and len(found.held_out):
            self.add_value(place, VALIDATION, load(VALIDATION)(found.held_out, found.held_out), len(found.held_out))

    def add_ranks(self, place: Place, rank: Array, candidates: int) -> None:
        """Score retrieval by every metric of ranks."""
        for name, metric in metrics().items():
            if metric.needs == "ranks":
                self.add_value(place, name, metric(np.full(len(rank), candidates), rank), len(rank))

    def add_value(self, place: Place, metric: str, value: float, n: int, reason: str = "") -> None:
        """One row; a value that is NaN needs a reason."""
        where = {"embedding": place.embedding, "probe": place.probe}
        damage = {"corruption": place.corruption, "severity": float(place.severity)}
        self._rows.append(where | damage | {"metric": metric, "value": float(value), "n": n, "reason": reason})

    def table(self) -> pd.DataFrame:
        """The long score table."""
        return pd.DataFrame(self._rows, columns=list(SCORE_COLUMNS)) if self._rows else empty_scores()

    def write(self, scores: Path, predictions: Path) -> None:
        """Both files; values outside a metric's bounds are refused."""
        write_scores(scores, self.table())
        write_npz(predictions, self.predictions)


def evaluate(label: Array, scores: Array, probabilities: bool) -> dict[str, tuple[float, str]]:
    """Value and reason (empty where there is a value) of each metric of stored predictions [n, classes]."""
    found = {}
    for name, metric in metrics().items():
        if metric.needs == "probabilities" and not probabilities:
            found[name] = float("nan"), NOT_PROBABILITIES
        elif metric.needs in ("labels", "scores", "probabilities"):
            predicted = scores.argmax(1) if metric.needs == "labels" else scores
            try:
                found[name] = metric(label, predicted), ""
            except Undefined as error:
                found[name] = float("nan"), str(error)
    return found


def ranks(similarity: Array, query: Array, candidate: Array) -> Array:
    """Rank of the best relevant candidate [q]: 1 + irrelevant ones above it + half of those level with it.

    similarity [q, c]; a candidate is relevant when its key [c] equals the query's [q].
    """
    relevant = query[:, None] == candidate[None]  # [q, c]
    if not relevant.any(1).all():
        raise ValueError("a query has no relevant candidate")
    best = np.where(relevant, similarity, -np.inf).max(1, keepdims=True)  # [q, 1]
    gap = np.where(relevant, -np.inf, similarity - best)  # [q, c]
    rank: Array = 1 + (gap > LEVEL).sum(1) + 0.5 * (np.abs(gap) <= LEVEL).sum(1)
    return rank


def unit(z: Array) -> Array:
    """Rows of length one in float64 [n, d]; a zero row stays zero."""
    z = z.astype(np.float64)
    return np.asarray(z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12))


def blank(
    job: Mapping[str, Any],
    *,
    status: Status,
    reason: str,
    traceback: str,
    scores: Path,
    predictions: Path,
    record: Path,
) -> None:
    """No scores, and why: valid empty files of a stage that could not score."""
    write_scores(scores, empty_scores())
    write_npz(predictions, {})
    about: dict[str, Any] = {"job": job, "status": status, "reason": reason}
    if traceback:
        kept = record.parent / f"{job['stage']}.traceback.txt"
        kept.write_text(traceback, encoding="utf-8")
        about["traceback"] = str(kept)
    write_record(record, about, scores=scores, predictions=predictions)


def embedded_or_blank(
    job: Mapping[str, Any], embed: Path, *, scores: Path, predictions: Path, record: Path
) -> dict[str, Any] | None:
    """The record of a cell's embeddings; None where it has none: then its status is passed on in empty files."""
    embedded = read_json(embed)
    if embedded["status"] == "ok":
        return embedded
    ended = {"status": embedded["status"], "reason": embedded["reason"], "traceback": ""}
    blank(job, **ended, scores=scores, predictions=predictions, record=record)
    return None
