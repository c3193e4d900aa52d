"""Logistic regression, the default linear probe."""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression

from diptych.probes.base import Array, Folds, Predictions, Probe, converged, folds

DECADES = (-6, 6)  # of C, as CLIP (Radford et al. 2021, appendix A.3) and SimCLR's transfer protocol search
FINEST = 1 / 8  # of a decade
RISING = 2  # decades of rising loss after which larger C are not tried
ONE_SPLIT_FROM = 5000  # training rows from which one 80/20 split is precise enough
FOLD_TOLERANCE, TOLERANCE = 1e-4, 1e-6  # of the gradient: looser where only the order of C counts
PROBABILITY_FLOOR = 1e-15


@dataclass(frozen=True)
class _Scaled:
    train: Array  # float64 [n_train, min(d, n_train)]
    test: Array  # float64 [n_test, min(d, n_train)]


class Linear(Probe):
    """Logistic regression (L-BFGS) on standardised embeddings, its C chosen by folds on log-loss."""

    probabilities: ClassVar[bool] = True

    def __init__(self, *, max_iter: int = 1000) -> None:
        self.max_iter = max_iter

    def _prepare(self, train: Array, test: Array) -> _Scaled:
        train, test = train.astype(np.float64), test.astype(np.float64)
        mean, sd = train.mean(0), train.std(0)
        scale = np.where(sd > 1e-12 * np.abs(mean), sd, 1.0)  # the rounding of a constant dimension is no signal
        train, test = (train - mean) / scale, (test - mean) / scale
        if train.shape[1] > len(train):
            # An l2 penalty keeps the weights in the span of the training rows: n weights to find there instead of d.
            basis = np.linalg.qr(train.T)[0]  # [d, n_train]
            train, test = train @ basis, test @ basis
        return _Scaled(train, test)

    def restrict(self, prepared: _Scaled, rows: Array) -> _Scaled:
        """Standardised by all rows."""
        return _Scaled(prepared.train[rows], prepared.test)

    def _test_rows(self, prepared: _Scaled) -> int:
        return len(prepared.test)

    def _predict(self, prepared: _Scaled, y: Array, groups: Array | None, seed: int) -> Predictions:
        splits = folds(y, groups, seed=seed)[: 1 if len(y) >= ONE_SPLIT_FROM else None]
        paths = _Paths(prepared.train, y, splits, self.max_iter)
        exponent, flags = _search(paths) if splits else (0.0, ["untuned"])
        model = LogisticRegression(C=10.0**exponent, max_iter=self.max_iter, tol=TOLERANCE)
        if not converged(partial(model.fit, prepared.train, y)):
            flags.append("not_converged")
        tuned = {"C": 10.0**exponent}
        return Predictions(model.predict_proba(prepared.test), True, tuned, tuple(flags), paths.held_out.get(exponent))


class _Paths:
    """Log-loss of held-out folds as a function of C; each fit starts from the nearest C already fitted."""

    def __init__(self, x: Array, y: Array, splits: Folds, max_iter: int) -> None:
        self.parts = [(x[fit], y[fit], x[valid], y[valid]) for fit, valid in splits]
        self.models = [LogisticRegression(warm_start=True, max_iter=max_iter, tol=FOLD_TOLERANCE) for _ in splits]
        self.weights: list[dict[float, tuple[Array, Array]]] = [{} for _ in splits]
        self.held_out: dict[float, Array] = {}  # log-likelihoods of the rows of all folds
        self.failed = False

    def loss(self, exponent: float) -> float:
        """Mean over the rows of all folds."""
        losses = np.concatenate([self._losses(fold, exponent) for fold in range(len(self.parts))])
        self.held_out[exponent] = -losses
        return float(losses.mean()) if len(losses) else 0.0

    def _losses(self, fold: int, exponent: float) -> Array:
        x, y, held_x, held_y = self.parts[fold]
        model, known = self.models[fold], self.weights[fold]
        if known:
            model.coef_, model.intercept_ = known[min(known, key=lambda other: abs(other - exponent))]
        model.C = 10.0**exponent
        self.failed |= not converged(partial(model.fit, x, y))
        known[exponent] = model.coef_.copy(), model.intercept_.copy()
        scored = np.isin(held_y, model.classes_)  # a class this fold cannot know costs the same for every C
        column = np.searchsorted(model.classes_, held_y[scored])
        p = model.predict_proba(held_x[scored])[np.arange(len(column)), column] if len(column) else np.empty(0)
        losses: Array = -np.log(np.maximum(p, PROBABILITY_FLOOR))
        return losses


def _search(paths: _Paths) -> tuple[float, list[str]]:
    """The best power of ten, then halving steps around the best down to an eighth of a decade; ties: smaller C.

    Decades are tried from the smallest C on, until the loss has risen RISING times in a row: beyond lie the slowest
    fits (hardly any penalty) of the worst models.
    """
    low, high = DECADES
    seen: dict[float, float] = {}
    for exponent in range(low, high + 1):
        seen[float(exponent)] = paths.loss(float(exponent))
        last = list(seen.values())[-RISING - 1 :]
        if len(last) > RISING and all(a < b for a, b in pairwise(last)):
            break
    step = 0.5
    while step >= FINEST:
        best = min(seen, key=lambda e: (seen[e], e))
        for finer in (best - step, best + step):
            if low <= finer <= high:
                seen[finer] = paths.loss(finer)
        step /= 2
    best = min(seen, key=lambda e: (seen[e], e))
    flags = ["edge_of_grid"] if best in (low, high) else []
    return best, flags + (["folds_not_converged"] if paths.failed else [])
