"""Folds inside train."""

import numpy as np
from sklearn import datasets

from diptych.probes.base import folds

Y = datasets.load_wine().target


def test_folds_are_stratified_and_cover_train_once():
    splits = folds(Y, None, seed=3)
    assert len(splits) == 5
    assert np.array_equal(np.sort(np.concatenate([valid for _, valid in splits])), np.arange(len(Y)))
    for fit, valid in splits:
        assert not set(fit) & set(valid)
        assert np.abs(np.bincount(Y[valid]) - np.bincount(Y) / 5).max() < 1.01


def test_groups_are_never_divided():
    groups = np.random.default_rng(0).integers(0, 30, len(Y))
    for fit, valid in folds(Y, groups, seed=0):
        assert not set(groups[fit]) & set(groups[valid])


def test_seed_moves_rows_and_none_keeps_the_order():
    assert not np.array_equal(folds(Y, None, seed=0)[0][1], folds(Y, None, seed=1)[0][1])
    assert np.array_equal(folds(Y, None)[0][1], folds(Y, None)[0][1])


def test_rare_classes_do_not_stop_folding():
    y = np.array([0] * 20 + [1] * 3 + [2])
    splits = folds(y, None, seed=0)
    assert len(splits) == 5
    assert any(2 not in y[fit] for fit, _ in splits)


def test_nothing_to_fold():
    assert folds(np.arange(6), None, seed=0) == []
    assert folds(np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 0, 1, 1]), seed=0) == []
