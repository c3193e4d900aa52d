"""The support vector machine behind the published tables of TS2Vec and T-Loss."""

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from diptych.probes.base import Array, Predictions, Probe, converged, folds

# zhihanyue/ts2vec, tasks/_eval_protocols.py: fit_svm
GRID = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1e3, 1e4, float("inf"))
MAX_ROWS = 10_000
# The protocol stops the solver after 10,000,000 steps: minutes for a hopeless fit (equal rows of two classes).
# Steps in proportion to the rows are the same at MAX_ROWS and plenty below.
STEPS_PER_ROW, FEWEST_STEPS = 1000, 100_000


@dataclass
class _Distances:
    """Squared distances serve every C, fold and noise level; only the kernel's scale follows the rows fitted on."""

    train: Array  # float64 [n_train, d]
    test: Array  # float64 [n_test, d]
    kept: dict[bytes, tuple[Array, Array]] = field(default_factory=dict)

    def of(self, rows: Array) -> tuple[Array, Array]:
        """Among `rows` of train, and from test to them: [r, r] and [n_test, r]; the last selection is kept."""
        key = rows.tobytes()
        if key not in self.kept:
            chosen = self.train[rows]
            self.kept = {key: (_squared(chosen, chosen), _squared(self.test, chosen))}
        return self.kept[key]


class Svm(Probe):
    """RBF support vector machine without scaling, C by 5 folds: the TS2Vec protocol (Yue et al. 2022, 2106.10466)."""

    probabilities: ClassVar[bool] = False

    def _prepare(self, train: Array, test: Array) -> _Distances:
        return _Distances(train.astype(np.float64), test.astype(np.float64))

    def restrict(self, prepared: _Distances, rows: Array) -> _Distances:
        """The protocol on these rows alone: the kernel's scale follows the rows that are fitted on."""
        return _Distances(prepared.train[rows], prepared.test)

    def _test_rows(self, prepared: _Distances) -> int:
        return len(prepared.test)

    def _predict(self, prepared: _Distances, y: Array, groups: Array | None, seed: int) -> Predictions:
        rows, chosen, held_out = np.arange(len(y)), float("inf"), None
        flags = ["untuned"]
        if len(y) // (y.max() + 1) >= 5 and len(y) >= 50:
            if len(y) > MAX_ROWS:
                rows = np.sort(train_test_split(rows, train_size=MAX_ROWS, random_state=0, stratify=y)[0])
            chosen, flags, held_out = self._search(prepared, rows, y, groups)
        x, y = prepared.train[rows], y[rows]
        gamma = _gamma(x)
        near, far = (np.exp(-gamma * squared) for squared in prepared.of(rows))
        for cost in GRID[GRID.index(chosen) :: -1]:
            model = _svc(cost, len(y))
            ended = _ended(model, near, y)
            if ended is not None and _storable(f := model.decision_function(far)):
                break
            flags.append(f"overflow_at_C={_written(cost)}")
        if not ended:
            flags.append("not_converged")
        scores = np.stack([-f, f], 1) if f.ndim == 1 else f  # f [n_test] for two classes, else [n_test, K]
        return Predictions(scores, False, {"C": _written(cost)}, tuple(flags), held_out)

    def _search(
        self, prepared: _Distances, rows: Array, y: Array, groups: Array | None
    ) -> tuple[float, list[str], Array | None]:
        """The C with the best mean accuracy over folds, ties: the smaller; and which held-out rows it calls rightly."""
        x, y, distances = prepared.train[rows], y[rows], prepared.of(rows)[0]
        smallest = int(np.bincount(y).min())
        splits = folds(y, None if groups is None else groups[rows], count=min(5, max(2, smallest)))
        flags = ["few_per_class"] if smallest < 5 else []
        hits = np.full((len(GRID), len(y)), np.nan)
        for fit, valid in splits:
            gamma = _gamma(x[fit])
            inner, outer = (np.exp(-gamma * distances[np.ix_(part, fit)]) for part in (fit, valid))
            for place, cost in enumerate(GRID):
                model = _svc(cost, len(fit))
                ended = _ended(model, inner, y[fit])
                flags += [] if ended else ["folds_overflowed" if ended is None else "folds_not_converged"]
                hits[place, valid] = -np.inf if ended is None else model.predict(outer) == y[valid]
        if not splits:
            return float("inf"), [*flags, "untuned"], None
        mean = np.stack([hits[:, valid].mean(1) for _, valid in splits], 1)  # [C, folds]
        best = int(np.average(mean, axis=1).argmax())
        known = np.isfinite(hits[best])  # a fold of one class is no fold
        return GRID[best], sorted(set(flags)), hits[best][known]


def _svc(cost: float, rows: int) -> SVC:
    return SVC(C=cost, kernel="precomputed", max_iter=max(FEWEST_STEPS, STEPS_PER_ROW * rows))


def _ended(model: SVC, kernel: Array, y: Array) -> bool | None:
    """Fit; whether the solver ended by itself, None where its solution overflowed (C = ∞ and classes that overlap).

    scikit-learn's grid search, which the protocol uses, gives such a C no score, so that it is not chosen.
    """
    try:
        return converged(partial(model.fit, kernel, y))
    except ValueError as error:
        if "not finite" not in str(error):
            raise
        return None


def _storable(scores: Array) -> bool:
    """Whether predictions, which are float32, can hold the scores; with C = ∞ some are too large."""
    return bool(np.abs(scores).max() < np.finfo(np.float32).max)


def _gamma(x: Array) -> float:
    """scikit-learn's gamma="scale"."""
    variance = float(x.var())
    return 1.0 / (x.shape[1] * variance) if variance else 1.0


def _squared(a: Array, b: Array) -> Array:
    """Squared Euclidean distances [len(a), len(b)]."""
    squared: Array = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
    np.maximum(squared, 0.0, out=squared)
    return squared


def _written(cost: float) -> float | str:
    return cost if np.isfinite(cost) else "inf"  # JSON has no infinity
