"""The SVM probe against the official protocol, written with scikit-learn's own tools."""

import warnings

import numpy as np
import pytest
from sklearn import datasets
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from diptych.probes import svm
from diptych.probes.svm import GRID, Svm


def _half(loader, classes):
    z, y = loader(return_X_y=True)
    z = ((z - z.mean(0)) / np.maximum(z.std(0), 1e-9))[y < classes]
    order = np.random.default_rng(0).permutation(len(z))
    y = y[y < classes][order]
    return z[order][::2][:150], y[::2][:150], z[order][1::2], y[1::2]


def _official(z, y):
    """zhihanyue/ts2vec, tasks/_eval_protocols.py, fit_svm."""
    if len(y) // len(np.unique(y)) < 5 or len(y) < 50:
        return SVC(C=np.inf, gamma="scale").fit(z, y)
    search = GridSearchCV(SVC(gamma="scale", max_iter=10_000_000), {"C": list(GRID)}, cv=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return search.fit(z, y).best_estimator_


def _found(z, y, test, groups=None):
    probe = Svm()
    return probe.predict(probe.prepare(z, test), y, groups, int(y.max()) + 1, 0)


@pytest.mark.parametrize(
    ("loader", "classes"),
    [(datasets.load_breast_cancer, 2), (datasets.load_iris, 3), (datasets.load_wine, 2), (datasets.load_digits, 10)],
)
def test_equals_the_naive_search(loader, classes):
    z, y, test, _ = _half(loader, classes)
    model, found = _official(z, y), _found(z, y, test)
    assert float(found.tuned["C"]) == model.C
    assert (found.scores.argmax(1) == model.predict(test)).mean() > 0.99
    model.break_ties = True  # one-against-one votes that tie: by confidence instead of by class number
    assert np.array_equal(found.scores.argmax(1), model.predict(test))
    f = model.decision_function(test)
    np.testing.assert_allclose(found.scores[:, 1] if classes == 2 else found.scores, f, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("noise", [0.1, 0.4])
def test_one_preparation_serves_noisy_labels_as_well(noise):
    z, y, test, _ = _half(datasets.load_digits, 3)
    probe = Svm()
    prepared = probe.prepare(z, test)
    rng = np.random.default_rng(0)
    for _ in range(2):
        noisy = np.where(rng.random(len(y)) < noise, (y + 1) % 3, y)
        found = probe.predict(prepared, noisy, None, 3, 0)
        model = _official(z, noisy)
        model.break_ties = True
        assert np.array_equal(found.scores.argmax(1), model.predict(test))


@pytest.mark.parametrize("rows", [20, 49])
def test_small_sets_take_a_hard_margin(rows):
    z, y, test, _ = _half(datasets.load_iris, 3)
    found = _found(z[:rows], y[:rows], test)
    assert found.tuned == {"C": "inf"}
    assert np.array_equal(found.scores.argmax(1), _official(z[:rows], y[:rows]).predict(test))


def test_rare_class_lowers_the_number_of_folds():
    z, y, test, _ = _half(datasets.load_wine, 3)
    keep = (y != 2) | (np.cumsum(y == 2) <= 3)
    found = _found(z[keep], y[keep], test)
    assert "few_per_class" in found.flags


def test_large_sets_are_subsampled_by_class(monkeypatch):
    monkeypatch.setattr(svm, "MAX_ROWS", 60)
    z, y, test, truth = _half(datasets.load_digits, 3)
    seen = []
    monkeypatch.setattr(svm._Distances, "of", _recording(seen))
    assert (_found(z, y, test).scores.argmax(1) == truth).mean() > 0.9
    assert {len(rows) for rows in seen} == {60}
    assert np.abs(np.bincount(y[seen[0]]) - 60 * np.bincount(y) / len(y)).max() < 1


def _recording(seen):
    plain = svm._Distances.of

    def of(self, rows):
        seen.append(rows)
        return plain(self, rows)

    return of


def test_distances_are_computed_once(monkeypatch):
    calls = []
    plain = svm._squared
    monkeypatch.setattr(svm, "_squared", lambda a, b: calls.append(1) or plain(a, b))
    z, y, test, _ = _half(datasets.load_iris, 3)
    probe = Svm()
    prepared = probe.prepare(z, test)
    for shift in range(3):
        probe.predict(prepared, (y + shift) % 3, None, 3, 0)
    assert len(calls) == 2  # train with train, test with train


def test_scores_beyond_float32_give_way(monkeypatch):
    """As of equal rows with unequal labels: the weights of a hard margin grow until the solver's steps are spent."""
    plain = SVC.decision_function
    monkeypatch.setattr(SVC, "decision_function", lambda self, k: plain(self, k) * (1e39 if self.C > 1 else 1.0))
    z, y, test, _ = _half(datasets.load_breast_cancer, 2)
    found = _found(z[:40], y[:40], test)
    assert np.isfinite(found.scores).all()
    assert found.tuned["C"] == 1.0
    assert "overflow_at_C=inf" in found.flags


@pytest.mark.parametrize("rows", [150, 40])  # with a search, and the hard margin of small sets
def test_a_hard_margin_that_overflows_gives_way(rows, monkeypatch):
    plain = SVC.fit

    def fit(self, *data):
        if np.isinf(self.C):
            raise ValueError("The dual coefficients or intercepts are not finite. The input data may contain …")
        return plain(self, *data)

    monkeypatch.setattr(SVC, "fit", fit)
    z, y, test, _ = _half(datasets.load_breast_cancer, 2)
    found = _found(z[:rows], y[:rows], test)
    assert np.isfinite(found.scores).all()
    assert np.isfinite(found.tuned["C"])
    assert {"folds_overflowed", "overflow_at_C=inf"} & set(found.flags)
