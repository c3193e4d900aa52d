"""Weighted nearest neighbours."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from diptych.probes.base import Array, Predictions, Probe

CHUNK = 1024  # rows whose similarities to all of train are held at once
SIZES = (1, 5, 20, 200)  # k; InstDisc uses 200, DINO reports 10, 20, 100 and 200
SMOOTHING = 1e-3  # added to every class: one neighbour must not claim certainty


@dataclass(frozen=True)
class _Nearest:
    """The training rows most similar to each row, nearest first."""

    index: Array  # int64 [rows, k]
    similarity: Array  # float32 [rows, k]; −inf where the row has fewer than k


@dataclass
class _Neighbours:
    train: Array  # float32 [n_train, d], unit length
    test: Array  # float32 [n_test, d], unit length
    k: int
    nearest: _Nearest  # of the test rows
    left_out: dict[bytes, _Nearest] = field(default_factory=dict)

    def leave_out(self, owner: Array) -> _Nearest:
        """Neighbours of each training row among rows of other owners; computed once per grouping."""
        key = owner.tobytes()
        if key not in self.left_out:
            self.left_out[key] = _nearest(self.train, self.train, self.k, owner)
        return self.left_out[key]


class Knn(Probe):
    """Nearest neighbours by cosine, weighted by exp(s/T) (Wu et al. 2018, 1805.01978), k by leave-one-out on train."""

    probabilities: ClassVar[bool] = True

    def __init__(self, *, temperature: float = 0.07) -> None:
        self.temperature = temperature

    def _prepare(self, train: Array, test: Array) -> _Neighbours:
        return _neighbours(_unit(train), _unit(test))

    def restrict(self, prepared: _Neighbours, rows: Array) -> _Neighbours:
        """Neighbours among these rows."""
        return _neighbours(prepared.train[rows], prepared.test)

    def _test_rows(self, prepared: _Neighbours) -> int:
        return len(prepared.test)

    def _predict(self, prepared: _Neighbours, y: Array, groups: Array | None, seed: int) -> Predictions:
        left_out = prepared.leave_out(np.arange(len(y)) if groups is None else groups)
        sizes = _sizes(len(y)) if np.bincount(y).max() > 1 else [1]  # a class's only row left out is always missed
        hits = {k: self._votes(left_out, y, k).argmax(1) == y for k in sizes}
        k = max(hits, key=lambda size: (hits[size].mean(), size))  # ties: more neighbours, smoother scores
        shares = self._votes(prepared.nearest, y, k)  # [n_test, K]
        scores = (shares + SMOOTHING) / (1 + SMOOTHING * shares.shape[1])
        return Predictions(scores, True, {"k": k}, () if len(sizes) > 1 else ("untuned",), hits[k].astype(float))

    def _votes(self, nearest: _Nearest, y: Array, k: int) -> Array:
        """Σ exp(s/T) of the k nearest by class, as shares [rows, K]."""
        s = nearest.similarity[:, :k].astype(np.float64)
        weight = np.exp((s - s[:, :1]) / self.temperature)  # the nearest weighs 1: nothing overflows
        labels = y[nearest.index[:, :k]]  # [rows, k]
        votes = np.stack([(weight * (labels == c)).sum(1) for c in range(y.max() + 1)], 1)
        shares: Array = votes / votes.sum(1, keepdims=True)
        return shares


def _sizes(n_train: int) -> list[int]:
    return [k for k in SIZES if k == 1 or k <= n_train / 2]


def _neighbours(train: Array, test: Array) -> _Neighbours:
    k = max(_sizes(len(train)))
    return _Neighbours(train, test, k, _nearest(test, train, k))


def _unit(z: Array) -> Array:
    z = z.astype(np.float64)
    unit: Array = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    return unit.astype(np.float32)


def _nearest(rows: Array, train: Array, k: int, owner: Array | None = None) -> _Nearest:
    """The k most similar training rows; equal similarities in order of index. With owners: only rows of others."""
    index, similarity = [], []
    for start in range(0, len(rows), CHUNK):
        s = rows[start : start + CHUNK] @ train.T  # [chunk, n_train]
        if owner is not None:
            s[owner[start : start + CHUNK, None] == owner] = -np.inf
        index.append(_top(s, k))
        similarity.append(np.take_along_axis(s, index[-1], axis=1))
    return _Nearest(np.concatenate(index), np.concatenate(similarity))


def _top(s: Array, k: int) -> Array:
    """Columns of the k largest values of each row, largest first, ties by column."""
    chosen = s >= np.partition(s, -k, axis=1)[:, -k, None]
    exact = chosen.sum(1) == k
    index = np.empty((len(s), k), dtype=np.int64)
    index[exact] = np.nonzero(chosen[exact])[1].reshape(-1, k)
    for row in np.flatnonzero(~exact):  # more than k stand level with the k-th
        index[row] = np.argsort(-s[row], kind="stable")[:k]
    order = np.argsort(-np.take_along_axis(s, index, axis=1), axis=1, kind="stable")
    sorted_index: Array = np.take_along_axis(index, order, axis=1)
    return sorted_index
