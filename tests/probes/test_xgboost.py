"""The XGBoost probe: held-out rows, sharing, refit."""

import numpy as np
import pytest
import xgboost
from sklearn import datasets

from diptych.probes.base import folds
from diptych.probes.xgboost import Xgboost


def _digits(classes=10, n=400):
    z, y = datasets.load_digits(return_X_y=True)
    z, y = z[y < classes].astype(np.float32), y[y < classes]
    return z[:n], y[:n], z[n:], y[n:]


@pytest.mark.parametrize("classes", [2, 10])
def test_equals_a_matrix_of_its_own(classes):
    """The shared matrix is the one that these labels alone would have made."""
    z, y, test, truth = _digits(classes, 250)
    probe = Xgboost(trees=40)
    prepared = probe.prepare(z, test)
    probe.predict(prepared, (y + 1) % classes, None, classes, 0)
    found = probe.predict(prepared, y, None, classes, 0)
    settings = probe._settings(len(y), classes, 0)
    own = xgboost.QuantileDMatrix(z, y, max_bin=64, nthread=1)
    p = xgboost.train(settings, own, found.tuned["trees"]).inplace_predict(test)
    np.testing.assert_allclose(found.scores[:, 1] if classes == 2 else found.scores, p, atol=1e-5)
    assert (found.scores.argmax(1) == truth).mean() > 0.65


@pytest.mark.parametrize("classes", [2, 3])
def test_the_number_of_trees_is_that_of_the_best_held_out_loss(classes):
    """Found again with plain matrices; bins come from all of train, whose labels they never see."""
    z, y, test, _ = _digits(classes, 200)
    probe = Xgboost()
    prepared = probe.prepare(z, test)
    trees = probe.predict(prepared, y, None, classes, 0).tuned["trees"]
    fit, valid = folds(y, None, seed=0)[0]
    assert len(valid) == pytest.approx(len(y) / 5, abs=2)
    rows = xgboost.QuantileDMatrix(z[fit], y[fit], max_bin=64, nthread=1, ref=prepared.binned)
    booster = xgboost.train(probe._settings(len(y), classes, 0), rows, trees + 30)
    losses = {}
    for r in range(1, trees + 31):
        p = booster.inplace_predict(z[valid], iteration_range=(0, r))
        p = np.stack([1 - p, p], 1) if classes == 2 else p
        losses[r] = -np.log(p[np.arange(len(valid)), y[valid]]).mean()
    assert losses[trees] == pytest.approx(min(losses.values()), abs=1e-5)


def test_too_few_trees_are_flagged():
    z, y, test, _ = _digits(3, 200)
    probe = Xgboost(trees=3)
    assert "edge_of_grid" in probe.predict(probe.prepare(z, test), y, None, 3, 0).flags


def test_seed_counts():
    z, y, test, _ = _digits(3, 200)
    probe = Xgboost(trees=20)
    prepared = probe.prepare(z, test)
    one, other = (probe.predict(prepared, y, None, 3, seed).scores for seed in (0, 1))
    assert not np.array_equal(one, other)
