"""Instance-dependent label noise: who is confused, with whom, and by what."""

import numpy as np
import pytest
from sklearn import datasets
from sklearn.linear_model import LogisticRegression

from diptych.corruptions._features import features
from diptych.corruptions.base import load, seeded
from diptych.data.samples import GraphArrays, Samples

DIGITS = datasets.load_digits()
SPLIT = (np.arange(len(DIGITS.target)) % 5 == 0).astype(np.uint8)


def _samples(x, label, split=SPLIT, modality="tabular", **rest):
    rows = np.arange(len(label))
    return Samples(modality, x, label, split, rows, rows, **rest)


def _digits():
    return _samples(DIGITS.data.astype(np.float32), DIGITS.target)


def _noisy(samples, severity, seed=0):
    return load("label_noise_instance")(samples, severity, seeded("digits", "label_noise_instance", seed)).label


@pytest.mark.parametrize("severity", [0.1, 0.2, 0.3, 0.4])
def test_the_rate_is_exact_and_test_labels_stay(severity):
    noisy = _noisy(_digits(), severity)
    changed = noisy != DIGITS.target
    assert changed[SPLIT == 0].sum() == round(severity * (SPLIT == 0).sum())
    assert not changed[SPLIT == 1].any()


def test_rows_near_the_boundary_of_a_classifier_go_first():
    """The judge is another model than the one inside: logistic regression on clean labels."""
    train = SPLIT == 0
    x = DIGITS.data / 16
    model = LogisticRegression(C=0.1, max_iter=1000).fit(x[train], DIGITS.target[train])
    proba = np.sort(model.predict_proba(x[train]), axis=1)
    margin = proba[:, -1] - proba[:, -2]
    changed = (_noisy(_digits(), 0.2) != DIGITS.target)[train]
    symmetric = load("label_noise_symmetric")(_digits(), 0.2, np.random.default_rng(0)).label != DIGITS.target
    assert margin[changed].mean() < margin[~changed].mean() - 0.1
    assert abs(margin[symmetric[train]].mean() - margin[~symmetric[train]].mean()) < 0.05


def test_the_new_class_is_the_one_nearest_to_the_row():
    noisy, train = _noisy(_digits(), 0.3), SPLIT == 0
    x = features(_digits())
    centres = np.stack([x[train & np.equal(DIGITS.target, c)].mean(0) for c in range(10)])
    distance = np.linalg.norm(x[:, None] - centres, axis=2)
    distance[np.arange(len(x)), DIGITS.target] = np.inf
    changed = noisy != DIGITS.target
    assert np.array_equal(noisy[changed], distance.argmin(1)[changed])
    assert not np.array_equal(noisy[changed], (DIGITS.target[changed] + 1) % 10)


def test_clear_rows_are_confused_too_but_seldom():
    """Two clouds: the share confused falls from the middle to the outside, and the far side is not spared."""
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 3000)
    x = (rng.normal(size=(6000, 2)) + 4 * label[:, None] * [1, 0]).astype(np.float32)
    noisy = _noisy(_samples(x, label, np.zeros(6000, np.uint8)), 0.2)
    away = np.where(label == 1, x[:, 0] - 2, 2 - x[:, 0])
    rates = [(noisy != label)[(away > low) & (away <= low + 1)].mean() for low in (0, 1, 2, 3)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 2 * rates[2]
    assert rates[3] > 0


def test_a_row_keeps_its_wrong_class_at_higher_rates():
    low, high = _noisy(_digits(), 0.1), _noisy(_digits(), 0.4)
    changed = low != DIGITS.target
    assert np.array_equal(low[changed], high[changed])


def test_only_training_rows_decide():
    samples = _digits()
    other = samples.with_x(np.where((SPLIT == 1)[:, None], 16 - samples.x, samples.x))
    assert np.array_equal(_noisy(samples, 0.3), _noisy(other, 0.3))


def test_a_rows_own_weight_does_not_protect_it():
    """Left out of its centre, a row of pure noise is as near to its own class as to others, however few they are."""
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1], [4, 400])
    x = rng.normal(size=(404, 200)).astype(np.float32)
    flipped = [(_noisy(_samples(x, label, np.zeros(404, np.uint8)), 0.3, seed) != label) for seed in range(20)]
    assert np.mean([rows[:4].mean() for rows in flipped]) > 0.2


def test_two_rows_of_a_class_and_absent_classes_are_no_trouble():
    label = np.array([0, 0, 1, 1, 3, 3, 3, 3])
    x = np.arange(16, dtype=np.float32).reshape(8, 2)
    x[:, 1] = np.nan
    noisy = _noisy(_samples(x, label, np.zeros(8, np.uint8)), 0.4)
    assert (noisy != label).sum() == 3
    assert 2 not in noisy  # no row to be near to


def test_a_single_class_cannot_be_confused():
    with pytest.raises(ValueError, match="single class"):
        _noisy(_samples(DIGITS.data, np.zeros_like(DIGITS.target)), 0.2)


def test_features_of_every_modality_are_standardised_and_finite():
    series = DIGITS.images[:50].astype(np.float32).copy()
    series[::2, 5:] = np.nan
    tokens = np.random.default_rng(0).integers(0, 3000, (50, 9))
    images = DIGITS.images[:50, None].astype(np.float32) / 16
    offsets = np.arange(51) * 3
    nodes = np.random.default_rng(1).normal(size=(150, 2)).astype(np.float32)
    nodes[7] = np.nan
    graphs = GraphArrays(nodes, offsets, np.zeros((2, 0), np.int64), np.zeros(51, np.int64))
    contents = {"series": series, "text": tokens, "image": images, "graph": graphs}
    contents |= {"image_text": {"image": images, "text": tokens}}
    for modality, content in contents.items():
        x = features(_samples(content, DIGITS.target[:50], SPLIT[:50], modality))
        train = x[SPLIT[:50] == 0]
        assert np.isfinite(x).all()
        assert np.abs(train.mean(0)).max() < 1e-4
        assert train.std(0).max() < 1.0001
