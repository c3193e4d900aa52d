"""Every probe that is found, on real data and on the awkward cases that real data sets have."""

import inspect

import numpy as np
import pytest
from sklearn import datasets

from diptych import catalog
from diptych.probes.base import Predictions, Probe, load

PROBES = sorted(catalog.components("probes").keys() - {catalog.FINE_TUNED})  # those that read embeddings


@pytest.fixture(params=PROBES)
def name(request):
    return request.param


def _halves(loader, seed=0):
    """Two disjoint parts of a shuffled set, at most 70 rows each: (z_train, y_train, z_test, y_test)."""
    z, y = loader(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(y))
    z = ((z - z.mean(0)) / np.maximum(z.std(0), 1e-9)).astype(np.float32)[order]
    z, y = z[:140], y[order][:140]
    return z[::2], y[::2], z[1::2], y[1::2]


def _scores(name, z, y, test, classes, groups=None, seed=0):
    probe = load(name)
    return probe.predict(probe.prepare(z, test), y, groups, classes, seed)


def test_declares_itself(name):
    probe = load(name)
    assert isinstance(probe, Probe)
    assert type(probe).__doc__
    assert isinstance(type(probe).__dict__["probabilities"], bool)
    for argument in list(inspect.signature(type(probe).__init__).parameters.values())[1:]:
        if argument.kind is not inspect.Parameter.VAR_POSITIONAL and argument.kind is not inspect.Parameter.VAR_KEYWORD:
            assert argument.kind is inspect.Parameter.KEYWORD_ONLY
            assert argument.annotation is not inspect.Parameter.empty
            assert argument.default is not inspect.Parameter.empty


@pytest.mark.parametrize("loader", [datasets.load_iris, datasets.load_wine], ids=["iris", "wine"])
def test_learns_real_data_and_repeats_itself(name, loader):
    z, y, test, truth = _halves(loader)
    found = _scores(name, z, y, test, 3)
    assert isinstance(found, Predictions)
    assert found.scores.shape == (len(test), 3)
    assert found.scores.dtype == np.float32
    assert (found.scores.argmax(1) == truth).mean() > 0.8
    if found.probabilities:
        assert found.scores.min() >= 0
        np.testing.assert_allclose(found.scores.sum(1), 1, atol=1e-5)
    assert np.array_equal(_scores(name, z, y, test, 3).scores, found.scores)


@pytest.mark.parametrize("loader", [datasets.load_iris, datasets.load_wine], ids=["iris", "wine"])
def test_score_of_held_out_training_rows(name, loader):
    """High on labels that can be learnt, near chance on shuffled ones, and blind to test rows."""
    z, y, test, _ = _halves(loader)
    probe = load(name)
    held_out = probe.predict(probe.prepare(z, test), y, None, 3, 0).held_out
    assert 0 < len(held_out) <= len(y)
    assert np.isfinite(held_out).all()
    assert held_out.max() <= 1
    assert np.array_equal(probe.predict(probe.prepare(z, test[::-1] + 5), y, None, 3, 0).held_out, held_out)
    shuffled = np.random.default_rng(1).permutation(y)
    assert probe.predict(probe.prepare(z, test), shuffled, None, 3, 0).held_out.mean() < held_out.mean() - 0.2


def test_what_is_prepared_is_not_used_up(name):
    z, y, test, _ = _halves(datasets.load_wine)
    probe = load(name)
    kept = z.copy(), test.copy()
    prepared = probe.prepare(z, test)
    first = probe.predict(prepared, y, None, 3, 0).scores
    probe.predict(prepared, (y + 1) % 3, np.arange(len(y)) // 2, 3, 1)
    assert np.array_equal(probe.predict(prepared, y, None, 3, 0).scores, first)
    assert np.array_equal(z, kept[0])
    assert np.array_equal(test, kept[1])


def test_test_rows_do_not_see_each_other(name):
    z, y, test, _ = _halves(datasets.load_wine)
    order = np.random.default_rng(3).permutation(len(test))
    whole, shuffled = _scores(name, z, y, test, 3).scores, _scores(name, z, y, test[order], 3).scores
    np.testing.assert_allclose(shuffled, whole[order], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(_scores(name, z, y, test[:1], 3).scores, whole[:1], rtol=1e-4, atol=1e-5)


def test_shuffled_labels_are_at_chance(name):
    z, y, test, truth = _halves(datasets.load_iris)
    hits = []
    for seed in range(3):
        shuffled = np.random.default_rng(seed).permutation(y)
        hits.append((_scores(name, z, shuffled, test, 3).scores.argmax(1) == truth).mean())
    assert abs(np.mean(hits) - 1 / 3) < 3 * np.sqrt(2 / 9 / len(truth))


def test_class_that_train_does_not_have(name):
    z, y, test, truth = _halves(datasets.load_wine)
    keep = y != 1
    found = _scores(name, z[keep], y[keep], test, 4)  # class 3 does not exist at all
    assert found.scores.shape == (len(test), 4)
    assert not np.isin(found.scores.argmax(1), [1, 3]).any()
    assert (found.scores.argmax(1) == truth)[truth != 1].mean() > 0.9
    assert len(np.unique(found.scores[:, 1])) == 1


def test_class_with_one_member(name):
    z, y, test, truth = _halves(datasets.load_wine)
    keep = (y != 2) | (np.cumsum(y == 2) == 1)
    found = _scores(name, z[keep], y[keep], test, 3)
    assert (found.scores.argmax(1) == truth)[truth != 2].mean() > 0.85


def test_more_classes_than_half_the_rows_are_no_regression(name):
    """Two rows of each: a fold of them has a class for more than every other row, and warnings are errors."""
    y = np.repeat(np.arange(30), 2)
    z = np.eye(30, dtype=np.float32)[y] + np.linspace(0, 0.01, 60, dtype=np.float32)[:, None]
    found = _scores(name, z, y, z, 30)
    assert found.scores.shape == (60, 30)
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 9])
def test_few_training_rows(name, rows):
    z, y, test, _ = _halves(datasets.load_iris)
    found = _scores(name, z[:rows], y[:rows], test, 3)
    assert np.isfinite(found.scores).all()
    assert np.isin(found.scores.argmax(1), y[:rows]).all()


@pytest.mark.parametrize("per_class", [1, 2, 5])
@pytest.mark.parametrize(("loader", "classes"), [(datasets.load_breast_cancer, 2), (datasets.load_digits, 10)])
def test_few_labels_of_many_rows(name, loader, classes, per_class):
    """The rest of train is there without labels, as under `few_labels`."""
    z, y, test, truth = _halves(loader)
    known = np.isin(np.arange(len(y)), [r for c in range(classes) for r in np.flatnonzero(y == c)[:per_class]])
    probe = load(name)
    found = probe.predict(probe.restrict(probe.prepare(z, test), known), y[known], None, classes, 0)
    assert found.scores.shape == (len(test), classes)
    assert np.isfinite(found.scores).all()
    recall = np.mean([(found.scores.argmax(1) == c)[truth == c].mean() for c in range(classes)])
    assert per_class == 1 or recall > 1.2 / classes or "constant" in found.flags  # a single pair of rows is a gamble
    assert name == "random_forest" or per_class > 1 or "untuned" in found.flags


def test_rows_without_a_label_vote_for_nothing(name):
    z, y, test, _ = _halves(datasets.load_wine)
    known = np.arange(len(y)) % 2 == 0
    probe = load(name)
    groups = np.arange(len(y)) // 3
    found = probe.predict(probe.restrict(probe.prepare(z, test), known), y[known], groups[known], 3, 0)
    alone = probe.predict(probe.prepare(z[known], test), y[known], groups[known], 3, 0)
    assert (found.scores.argmax(1) == alone.scores.argmax(1)).mean() > 0.9
    whole = probe.predict(probe.restrict(probe.prepare(z, test), known | True), y, groups, 3, 0)
    assert np.array_equal(whole.scores, probe.predict(probe.prepare(z, test), y, groups, 3, 0).scores)


def test_one_class(name):
    z, _, test, _ = _halves(datasets.load_iris)
    found = _scores(name, z, np.full(len(z), 2), test, 3)
    assert (found.scores.argmax(1) == 2).all()
    assert "one_class" in found.flags


def test_one_dimension(name):
    z, y, test, truth = _halves(datasets.load_iris)
    assert (_scores(name, z[:, :1], y, test[:, :1], 3).scores.argmax(1) == truth).mean() > 0.3


def test_more_dimensions_than_rows(name):
    z, y, test, truth = _halves(datasets.load_digits)
    found = _scores(name, z[:60], y[:60], test, 10)
    assert (found.scores.argmax(1) == truth).mean() > 0.4


def test_collapsed_embedding(name):
    """Equal rows can only be called the same; small, since a hard-margin SVM iterates to its limit here."""
    y = np.array([0, 0, 0, 1, 1, 0])
    found = _scores(name, np.full((6, 3), 0.1, np.float32), y, np.full((4, 3), 0.1, np.float32), 2)
    assert np.ptp(found.scores, axis=0).max() < 1e-6


def test_groups_stay_whole(name):
    z, y, test, truth = _halves(datasets.load_wine)
    for groups in (np.arange(len(y)) // 3, np.zeros(len(y), int)):
        assert (_scores(name, z, y, test, 3, groups).scores.argmax(1) == truth).mean() > 0.8


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("part", ["train", "test"])
def test_refuses_what_is_not_finite(name, value, part):
    z, _, test, _ = _halves(datasets.load_iris)
    broken = {"train": z.copy(), "test": test.copy()}
    broken[part][7, 1] = value
    with pytest.raises(ValueError, match=f"{part} embeddings are NaN or infinite in 1 of .* row 7"):
        load(name).prepare(broken["train"], broken["test"])


def test_refuses_shapes_and_labels(name):
    z, y, test, _ = _halves(datasets.load_iris)
    with pytest.raises(ValueError, match="4 dimensions, test embeddings 3"):
        load(name).prepare(z, test[:, :3])
    with pytest.raises(ValueError, match=r"shape \(70, 0\)"):
        load(name).prepare(z[:, :0], test[:, :0])
    with pytest.raises(ValueError, match="the data set has 2 classes"):
        _scores(name, z, y, test, 2)
