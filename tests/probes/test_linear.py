"""The linear probe against its definition."""

import time

import numpy as np
import pytest
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from diptych.probes.base import folds
from diptych.probes.linear import Linear, _Paths


def _wine(seed=0):
    z, y = datasets.load_wine(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    return z[order][::2], y[order][::2], z[order][1::2], y[order][1::2]


def _found(z, y, test, groups=None, classes=None):
    probe = Linear()
    return probe.predict(probe.prepare(z, test), y, groups, classes or int(y.max()) + 1, 0)


def test_separable_data_are_separated():
    z, y = datasets.load_iris(return_X_y=True)
    z, y = z[y < 2], y[y < 2]  # setosa against versicolor
    found = _found(z[::2], y[::2], z[1::2])
    assert np.array_equal(found.scores.argmax(1), y[1::2])


def test_equals_a_plain_fit_at_the_chosen_c():
    z, y, test, _ = _wine()
    found = _found(z, y, test)
    scaler = StandardScaler().fit(z)
    model = LogisticRegression(C=found.tuned["C"], max_iter=10_000, tol=1e-8).fit(scaler.transform(z), y)
    np.testing.assert_allclose(found.scores, model.predict_proba(scaler.transform(test)), atol=2e-3)


def test_solving_in_the_span_of_the_rows_changes_nothing():
    z, y = datasets.load_breast_cancer(return_X_y=True)
    z, y, test = z[:40, :], y[:40], z[40:80]  # 30 dimensions
    padded, padded_test = (np.concatenate([a, a**2 / 1000], 1) for a in (z, test))  # 60 dimensions, 40 rows
    found = _found(padded, y, padded_test)
    scaler = StandardScaler().fit(padded)
    model = LogisticRegression(C=found.tuned["C"], max_iter=10_000, tol=1e-8).fit(scaler.transform(padded), y)
    np.testing.assert_allclose(found.scores, model.predict_proba(scaler.transform(padded_test)), atol=5e-3)


def test_scaling_changes_nothing():
    z, y, test, _ = _wine()
    np.testing.assert_allclose(_found(z * 10 + 3, y, test * 10 + 3).scores, _found(z, y, test).scores, atol=1e-3)


def test_every_row_twice_gives_the_same_c_within_one_decade():
    z, y, test, _ = _wine()
    rows = np.arange(len(y))
    once = _found(z, y, test, rows).tuned["C"]
    twice = _found(np.repeat(z, 2, 0), np.repeat(y, 2), test, np.repeat(rows, 2)).tuned["C"]
    assert abs(np.log10(twice / once)) <= 1


def test_c_beats_its_neighbours_on_the_folds():
    z, y, test, _ = _wine()
    probe = Linear()
    prepared = probe.prepare(z, test)
    chosen = np.log10(probe.predict(prepared, y, None, 3, 0).tuned["C"])
    paths = _Paths(prepared.train, y, folds(y, None, seed=0), 1000)
    assert all(paths.loss(chosen) <= paths.loss(chosen + step) + 1e-3 for step in (-1, -0.125, 0.125, 1))


def test_labels_without_signal_are_flagged_at_the_edge():
    z, y, test, _ = _wine()
    found = _found(z, np.random.default_rng(5).permutation(y), test)
    assert found.tuned["C"] < 1e-2


def test_a_solver_that_gives_up_is_a_flag_and_not_a_warning():
    z, y, test, _ = _wine()
    probe = Linear(max_iter=2)
    flags = probe.predict(probe.prepare(z, test), y, None, 3, 0).flags
    assert {"not_converged", "folds_not_converged"} <= set(flags)


def test_large_sets_use_one_split():
    z, y = datasets.load_digits(return_X_y=True)
    z, y = np.tile(z[:, 20:30], (3, 1)), np.tile(y, 3) > 4
    z = z + np.random.default_rng(0).normal(size=z.shape)
    probe = Linear()
    start = time.process_time()
    found = probe.predict(probe.prepare(z, z[:50]), y.astype(int), None, 2, 0)
    assert len(z) >= 5000
    assert time.process_time() - start < 10
    assert found.scores.shape == (50, 2)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_a_constant_dimension_says_nothing(value):
    z, y, test, _ = _wine()
    more = [np.concatenate([a, np.full((len(a), 1), value)], 1) for a in (z, test)]
    np.testing.assert_allclose(_found(more[0], y, more[1]).scores, _found(z, y, test).scores, atol=1e-3)
