"""Every imputer that is found, on small real data of each modality it fills, damaged by values, blocks and channels."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from sklearn import datasets

from diptych import catalog
from diptych.corruptions.base import load as corruption
from diptych.corruptions.base import seeded
from diptych.data.samples import Samples
from diptych.imputers.base import Imputer, gaps, load

N = 120
FOUND = catalog.components("imputers")
CASES = [(name, modality) for name, c in FOUND.items() for modality in c.attributes["modalities"]]
DAMAGE = ("missing_mcar", "missing_block", "missing_channel")


@cache
def _complete(modality):
    if modality == "tabular":  # wine with a field of three one-hot columns that its colour decides
        wine = datasets.load_wine()
        x = (wine.data - wine.data.mean(0)) / wine.data.std(0)
        level = np.digitize(x[:, 9], (-0.5, 0.5))
        x, statistics = np.column_stack([x, np.eye(3)[level]]), {"field": np.array([*range(13), 13, 13, 13])}
        rows = np.random.default_rng(0).permutation(len(x))[:N]
    else:  # the rows of digits as steps, three neighbouring pixels as channels; every third series ends early
        x, statistics, rows = datasets.load_digits().images[:, :, 2:5] / 16 - 0.3, {}, np.arange(N)
    x = x[rows].astype(np.float32)
    if modality == "series":
        x[::3, 6:] = np.nan
    split = (np.arange(N) % 3 == 1).astype(np.uint8)
    return Samples(modality, x, np.zeros(N, np.int64), split, np.arange(N), np.arange(N), statistics=statistics)


def _damaged(modality, name="missing_mcar", severity=0.3):
    return corruption(name)(_complete(modality), severity, seeded("d", name, 0))


@pytest.fixture(params=CASES, ids="-".join)
def case(request):
    name, modality = request.param
    return load(name), modality


@pytest.mark.parametrize("name", sorted(FOUND))
def test_declares_itself(name):
    imputer = load(name)
    assert isinstance(imputer, Imputer)
    assert FOUND[name].summary == type(imputer).__doc__.splitlines()[0]
    assert FOUND[name].attributes["modalities"] == imputer.modalities
    assert not FOUND[name].parameters


@pytest.mark.parametrize("damage", DAMAGE)
def test_fills_every_gap_and_changes_nothing_else(case, damage):
    imputer, modality = case
    before = _damaged(modality, damage)
    after, gap, kept = imputer(before), gaps(before), before.x.copy()
    assert gap.any()
    assert np.isfinite(after.x[gap]).all()
    assert after.x.dtype == np.float32
    assert np.array_equal(after.x[~gap], before.x[~gap], equal_nan=True)
    assert np.array_equal(before.x, kept, equal_nan=True)
    assert not gaps(after).any()


def test_without_gaps_it_is_the_identity(case):
    imputer, modality = case
    samples = _complete(modality)
    assert not gaps(samples).any()
    assert np.array_equal(imputer(samples).x, samples.x, equal_nan=True)


def test_a_test_row_changes_no_other(case):
    imputer, modality = case
    samples = _damaged(modality)
    x, row = samples.x.copy(), int(np.flatnonzero(samples.split == 1)[3])
    x[row] = np.where(np.arange(x[row].size).reshape(x[row].shape) % 2, np.float32(7.5), np.nan)
    others = np.arange(N) != row
    plain, changed = imputer(samples).x, imputer(samples.with_x(x)).x
    np.testing.assert_allclose(plain[others], changed[others], atol=1e-6)
    train = samples.split == 0  # nothing but training rows: the same again
    alone = replace(samples, x=samples.x[train], split=samples.split[train], label=samples.label[train])
    np.testing.assert_allclose(imputer(alone).x, plain[train], atol=1e-6)


def test_training_rows_do_change_others(case):
    """The test above could not fail for an imputer that learns nothing."""
    imputer, modality = case
    samples = _damaged(modality, "missing_channel", 0.5)
    x = samples.x.copy()
    x[samples.split == 0] += np.float32(0.5)
    test = samples.split == 1
    assert not np.allclose(imputer(samples).x[test], imputer(samples.with_x(x)).x[test], equal_nan=True)


def test_a_column_without_any_training_value_becomes_the_standardised_mean(case):
    imputer, modality = case
    samples = _damaged(modality)
    x = samples.x.copy()
    x[samples.split == 0, ..., 1] = np.nan
    gone = samples.with_x(x)
    column = np.where(gaps(gone), imputer(gone).x, 0)[..., 1]
    assert (column[samples.split == 0] == 0).all()


def test_the_ends_of_ragged_series_stay():
    samples = _damaged("series")
    seen = ~np.isnan(samples.x).all(2)
    for name in FOUND:
        after = ~np.isnan(load(name)(samples).x).all(2)
        assert np.array_equal(after.argmax(1), seen.argmax(1))
        assert np.array_equal(after[:, ::-1].argmax(1), seen[:, ::-1].argmax(1))
        assert not after[::3, 6:].any()
    nothing = samples.with_x(np.full_like(samples.x, np.nan))
    assert np.isnan(load("mean")(nothing).x).all()  # a series without a value has no inside


def test_other_modalities_are_refused():
    for name in FOUND:
        with pytest.raises(ValueError, match="cannot fill image data; it fills"):
            load(name)(replace(_complete("tabular"), modality="image"))
