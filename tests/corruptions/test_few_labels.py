"""Few labels: shares, classes, objects, nesting."""

import numpy as np
import pytest
from sklearn import datasets

from diptych.corruptions.base import load, seeded
from diptych.data.samples import HIDDEN, Samples

LABEL = datasets.load_digits().target
SPLIT = (np.arange(len(LABEL)) % 5 == 0).astype(np.uint8)
TRAIN = SPLIT == 0
SEVERITIES = (0.75, 0.9, 0.95, 0.99)


def _few(severity, label=LABEL, split=SPLIT, key=None, seed=0):
    rows = np.arange(len(label))
    samples = Samples(
        "tabular", np.zeros((len(label), 1), np.float32), label, split, rows if key is None else key, rows
    )
    return load("few_labels")(samples, severity, seeded("digits", "few_labels", seed)).label


@pytest.mark.parametrize("severity", SEVERITIES)
def test_the_share_is_exact_and_every_class_has_its_part(severity):
    label = _few(severity)
    shown = TRAIN & (label != HIDDEN)
    assert shown.sum() == round((1 - severity) * TRAIN.sum())
    assert np.array_equal(label[shown], LABEL[shown])
    assert np.array_equal(label[~TRAIN], LABEL[~TRAIN])
    for c in range(10):
        own = TRAIN & np.equal(LABEL, c)
        assert (shown & own).sum() >= 1
        assert abs((shown & own).sum() - (1 - severity) * own.sum()) < 1.5


def test_fewer_labels_are_among_more():
    shown = [_few(severity) != HIDDEN for severity in SEVERITIES]
    assert all((more >= fewer).all() for more, fewer in zip(shown, shown[1:], strict=False))


def test_classes_whose_share_is_less_than_a_row_keep_one():
    label = _few(0.99, LABEL[:60], np.zeros(60, np.uint8))
    assert sorted(label[label != HIDDEN]) == list(range(10))


def test_a_rare_class_keeps_a_label_and_takes_it_from_the_others():
    label = np.repeat([0, 1, 2], [590, 408, 2])
    shown = _few(0.99, label, np.zeros(1000, np.uint8))
    assert np.bincount(shown[shown != HIDDEN]).tolist() in ([5, 4, 1], [6, 3, 1])


def test_rows_of_one_object_are_labelled_together():
    key = np.arange(len(LABEL)) // 40 * 10 + LABEL  # up to four rows of a class in each block
    label = _few(0.9, key=key)
    shown = label != HIDDEN
    for unit in np.unique(key[TRAIN]):
        assert len(set(shown[TRAIN & np.equal(key, unit)])) == 1
    assert abs(shown[TRAIN].mean() - 0.1) < 8 / TRAIN.sum()
    assert set(label[TRAIN & shown]) == set(range(10))


def test_every_row_is_asked_as_often_as_any_other():
    times = np.sum([_few(0.9, seed=seed) != HIDDEN for seed in range(200)], axis=0)[TRAIN]
    assert abs(times.mean() - 20) < 0.1
    assert times.std() == pytest.approx(np.sqrt(200 * 0.1 * 0.9), rel=0.1)
