"""Gradient-boosted trees."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import xgboost

from diptych.probes.base import Array, Predictions, Probe, folds

PATIENCE = 30  # rounds without a better held-out loss
PROBABILITY_FLOOR = 1e-15


@dataclass(frozen=True)
class _Quantiles:
    """Training rows with their bins, which all folds and noise levels share."""

    x: Array  # float32 [n_train, d]
    binned: xgboost.QuantileDMatrix
    test: Array  # float32 [n_test, d]


class Xgboost(Probe):
    """Boosted trees (Chen & Guestrin 2016), their number by early stopping on a fifth of train, refitted on all."""

    probabilities: ClassVar[bool] = True

    def __init__(self, *, trees: int = 2000, max_bin: int = 64) -> None:
        self.trees, self.max_bin = trees, max_bin

    def _prepare(self, train: Array, test: Array) -> _Quantiles:
        x = np.ascontiguousarray(train, dtype=np.float32)
        binned = xgboost.QuantileDMatrix(x, max_bin=self.max_bin, nthread=1)
        return _Quantiles(x, binned, np.ascontiguousarray(test, dtype=np.float32))

    def restrict(self, prepared: _Quantiles, rows: Array) -> _Quantiles:
        """In the bins of all rows."""
        x = prepared.x[rows]
        binned = xgboost.QuantileDMatrix(x, max_bin=self.max_bin, ref=prepared.binned, nthread=1)
        return _Quantiles(x, binned, prepared.test)

    def _test_rows(self, prepared: _Quantiles) -> int:
        return len(prepared.test)

    def _predict(self, prepared: _Quantiles, y: Array, groups: Array | None, seed: int) -> Predictions:
        settings = self._settings(len(y), int(y.max()) + 1, seed)
        splits = folds(y, groups, seed=seed)
        untuned = 100, ["untuned"], None
        rounds, flags, held_out = self._early_stop(prepared, settings, y, splits[0]) if splits else untuned
        prepared.binned.set_info(label=y)
        p = xgboost.train(settings, prepared.binned, rounds).inplace_predict(prepared.test)
        return Predictions(_by_class(p), True, {"trees": rounds}, tuple(flags), held_out)

    def _early_stop(
        self, prepared: _Quantiles, settings: dict[str, Any], y: Array, split: tuple[Array, Array]
    ) -> tuple[int, list[str], Array]:
        """Rounds until the loss of held-out rows stops falling, and their log-likelihoods then."""
        made: list[xgboost.QuantileDMatrix] = [prepared.binned]
        for rows in split:  # the rows to fit take the bins of all of train, the held-out rows those of the rows to fit
            bins = {"max_bin": self.max_bin, "ref": made[-1], "nthread": 1}
            made.append(xgboost.QuantileDMatrix(prepared.x[rows], y[rows], **bins))
        patience = {"early_stopping_rounds": PATIENCE, "verbose_eval": False}
        stopped = xgboost.train(settings, made[1], self.trees, evals=[(made[2], "held_out")], **patience)
        rounds = stopped.best_iteration + 1
        p = _by_class(stopped.predict(made[2], iteration_range=(0, rounds)))
        truth = y[split[1]]
        likelihood = np.log(np.maximum(p[np.arange(len(truth)), truth], PROBABILITY_FLOOR))
        return rounds, ["edge_of_grid"] if rounds == self.trees else [], likelihood

    def _settings(self, n: int, classes: int, seed: int) -> dict[str, Any]:
        several = {"objective": "multi:softprob", "num_class": classes, "eval_metric": "mlogloss"}
        two = {"objective": "binary:logistic", "eval_metric": "logloss"}
        return (several if classes > 2 else two) | {
            "tree_method": "hist",
            "max_bin": self.max_bin,
            "eta": 0.05 if n > 10_000 else 0.1,
            "max_depth": 3 if n < 500 else 6,
            "subsample": 0.8,
            "colsample_bytree": 0.8,
            "min_child_weight": 1,
            "lambda": 1,
            "seed": seed,
            "nthread": 1,
            "device": "cpu",
        }


def _by_class(p: Array) -> Array:
    """Probabilities [n, classes]; of two classes xgboost gives the second one's alone."""
    return np.stack([1 - p, p], 1) if p.ndim == 1 else p
