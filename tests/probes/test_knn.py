"""The kNN probe against brute force."""

import numpy as np
import pytest
from sklearn import datasets

from diptych.probes import knn
from diptych.probes.knn import SMOOTHING, Knn


def _digits(n=300):
    z, y = datasets.load_digits(return_X_y=True)
    return z[:n], y[:n], z[n : n + 200], y[n : n + 200]


def _brute(z, y, test, k, temperature):
    """Shares of exp(s/T) among the k most similar rows, one test row at a time."""
    z, test = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (z, test))
    out = []
    for row in test:
        s = z @ row
        nearest = sorted(range(len(z)), key=lambda i: (-s[i], i))[:k]
        votes = np.zeros(y.max() + 1)
        for i in nearest:
            votes[y[i]] += np.exp(s[i] / temperature)
        out.append(votes / votes.sum())
    return np.array(out)


def _found(z, y, test, temperature=0.07, groups=None):
    probe = Knn(temperature=temperature)
    return probe.predict(probe.prepare(z, test), y, groups, int(y.max()) + 1, 0)


@pytest.mark.parametrize("sizes", [(1,), (5,), (20,)])
@pytest.mark.parametrize("chunk", [7, 1024])
def test_equals_brute_force(monkeypatch, sizes, chunk):
    monkeypatch.setattr(knn, "SIZES", sizes)
    monkeypatch.setattr(knn, "CHUNK", chunk)
    z, y, test, _ = _digits()
    expected = (_brute(z, y, test, sizes[0], 0.07) + SMOOTHING) / (1 + 10 * SMOOTHING)
    np.testing.assert_allclose(_found(z, y, test).scores, expected, atol=1e-4)


def test_infinite_temperature_is_the_majority_vote(monkeypatch):
    monkeypatch.setattr(knn, "SIZES", (5,))
    z, y, test, _ = _digits()
    found = _found(z, y, test, temperature=1e9).scores * (1 + 10 * SMOOTHING) - SMOOTHING
    np.testing.assert_allclose(found * 5, np.round(found * 5), atol=1e-4)


def test_one_neighbour_is_the_nearest_one(monkeypatch):
    monkeypatch.setattr(knn, "SIZES", (1,))
    z, y, test, _ = _digits()
    unit, unit_test = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (z, test))
    assert np.array_equal(_found(z, y, test).scores.argmax(1), y[(unit_test @ unit.T).argmax(1)])


def test_k_is_chosen_by_leave_one_out():
    z, y, test, _ = _digits()
    hits = {}
    for k in (1, 5, 20):
        others = [np.delete(np.arange(len(y)), i) for i in range(len(y))]
        hits[k] = np.mean([_brute(z[o], y[o], z[i : i + 1], k, 0.07).argmax() == y[i] for i, o in enumerate(others)])
    k = _found(z, y, test).tuned["k"]
    assert k in (1, 5, 20)  # 200 is more than half of 300
    assert hits[k] == max(hits.values())


def test_leave_one_out_leaves_the_whole_group_out():
    """Rows that occur five times make k = 1 perfect unless their copies are left out with them."""
    rng = np.random.default_rng(0)
    z, y, test, _ = _digits(60)
    z, y, groups = np.repeat(z, 5, 0), np.repeat(rng.permutation(y), 5), np.repeat(np.arange(60), 5)
    assert _found(z, y, test).tuned["k"] <= 5
    assert _found(z, y, test, groups=groups).tuned["k"] != 1


def test_equal_similarities_go_by_index():
    z = np.array([[1.0, 0.0]] * 4 + [[0.0, 1.0]] * 4)
    y = np.array([1, 0, 0, 0, 1, 1, 1, 1])
    assert knn._top((z @ z.T).astype(np.float32), 2)[:5].tolist() == [[0, 1]] * 4 + [[4, 5]]
    assert _found(z, y, z[:1]).scores.shape == (1, 2)


def test_fewer_than_a_hundred_test_rows_and_tiny_train():
    z, y, test, _ = _digits(3)
    found = _found(z, y, test[:2])
    assert found.tuned["k"] == 1
    assert found.scores.shape == (2, 3)


def test_certainty_costs_a_finite_log_loss():
    z, y, test, truth = _digits()
    assert -np.log(_found(z, y, test).scores[np.arange(200), truth]).max() < 10
