"""The contract of a probe: what does not depend on labels is prepared once and serves every noise level."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from diptych.components import component

Array = np.ndarray
Folds = list[tuple[Array, Array]]


@dataclass(frozen=True)
class Predictions:
    """Scores of test rows, columns = classes 0 … C−1 of the data set."""

    scores: Array  # float32 [n_test, classes]
    probabilities: bool  # whether rows of `scores` are probabilities
    tuned: dict[str, Any] = field(default_factory=dict)  # chosen hyper-parameters
    flags: tuple[str, ...] = ()  # "not_converged", "edge_of_grid", "untuned" (too few labels to choose by), …
    # [m], of training rows while their fold was held out, at the chosen setting: log-likelihoods or hits (1, 0)
    held_out: Array | None = None


class Probe(ABC):
    """A classifier on frozen embeddings, tuned by folds of train and scored once on test."""

    probabilities: ClassVar[bool]

    def prepare(self, train: Array, test: Array) -> Any:
        """Kernels, distances, scalings of embeddings [n, d]: all that no label enters."""
        for name, z in (("train", train), ("test", test)):
            _check(name, z)
        if train.shape[1] != test.shape[1]:
            raise ValueError(f"train embeddings have {train.shape[1]} dimensions, test embeddings {test.shape[1]}")
        return self._prepare(train, test)

    def predict(self, prepared: Any, y: Array, groups: Array | None, classes: int, seed: int) -> Predictions:
        """Tune and fit on train labels `y` [n_train], return scores of the test rows."""
        present, codes = np.unique(y, return_inverse=True)  # codes [n_train] in 0 … len(present)−1
        if present[0] < 0 or present[-1] >= classes:
            raise ValueError(f"labels run from {present[0]} to {present[-1]}; the data set has {classes} classes")
        if len(present) == 1:
            constant = np.ones((self._test_rows(prepared), 1))
            found = Predictions(constant, self.probabilities, flags=("one_class",))
        else:
            with warnings.catch_warnings():
                # Labels are classes, however few rows each has: of 52 animals with two signals each, scikit-learn asks.
                warnings.filterwarnings("ignore", message="The number of unique classes is greater than 50%")
                found = self._predict(prepared, codes, _grouping(groups), seed)
        if not np.isfinite(found.scores).all():
            raise ValueError(f"{type(self).__name__} returned scores that are not finite")
        alike = len(found.scores) > 1 and not np.ptp(found.scores, axis=0).any()
        flags = (*found.flags, "constant") if alike else found.flags
        scores = _spread(found.scores, present, classes, found.probabilities)
        return replace(found, scores=scores, flags=flags)

    @abstractmethod
    def restrict(self, prepared: Any, rows: Array) -> Any:
        """What was prepared, for fitting on some training rows (boolean [n_train]): those whose label is known.

        Scalings and bins stay those of all rows: no label enters them, and two rows have no spread to scale by.
        """

    @abstractmethod
    def _prepare(self, train: Array, test: Array) -> Any:
        """As `prepare`, for finite embeddings of equal width."""

    @abstractmethod
    def _test_rows(self, prepared: Any) -> int:
        """Number of test rows in what `_prepare` returned."""

    @abstractmethod
    def _predict(self, prepared: Any, y: Array, groups: Array | None, seed: int) -> Predictions:
        """As `predict`, for labels 0 … K−1 that all occur, K ≥ 2; one column per label."""


def load(name: str) -> Probe:
    """The probe of a name, with its default settings."""
    probe = component("probes", name)()
    assert isinstance(probe, Probe)
    return probe


def folds(y: Array, groups: Array | None, *, count: int = 5, seed: int | None = None) -> Folds:
    """Stratified folds, or folds of whole groups; shuffled if seeded. A split with one class left to train on is out.

    A class with fewer members than folds is absent from some of them.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    count = min(count, int(np.bincount(y).max()), len(y) if groups is None else len(np.unique(groups)))
    if count < 2:
        return []
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        splits = list(kind(count, shuffle=seed is not None, random_state=seed).split(y, y, groups))
    return [(fit, valid) for fit, valid in splits if len(valid) and len(np.unique(y[fit])) > 1]


def converged(fit: Callable[[], Any]) -> bool:
    """Run a fit; whether its solver ended by itself. Other warnings pass through."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        fit()
    gave_up = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    for other in (w for w in caught if w not in gave_up):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    return not gave_up


def _check(name: str, z: Array) -> None:
    if z.ndim != 2 or not all(z.shape):
        raise ValueError(f"{name} embeddings have shape {z.shape}; at least one row and one dimension are needed")
    if not (broken := ~np.isfinite(z).all(1)).any():
        return
    rows = np.flatnonzero(broken)
    raise ValueError(
        f"{name} embeddings are NaN or infinite in {len(rows)} of {len(z)} rows (the first is row {rows[0]}); "
        "an encoder must return finite numbers, whatever is missing in its input"
    )


def _grouping(groups: Array | None) -> Array | None:
    """Groups as 0 … G−1; a single group cannot be split and counts as none."""
    if groups is None:
        return None
    names, codes = np.unique(groups, return_inverse=True)
    return codes if len(names) > 1 else None


def _spread(scores: Array, present: Array, classes: int, probabilities: bool) -> Array:
    """Columns of the classes seen in training among all classes; an unseen class is never preferred."""
    absent = 0.0 if probabilities else scores.min() - 1.0
    out = np.full((len(scores), classes), absent, dtype=np.float32)
    out[:, present] = scores
    return out
