"""Missingness that depends on values or on sensors: shares, and on what it depends."""

import numpy as np
import pytest
from sklearn import datasets

from diptych.corruptions.base import load, seeded
from diptych.data.samples import Samples

SHARES = (0.1, 0.2, 0.4, 0.6, 0.8)


def _samples(modality, x, group=None, **statistics):
    rows = np.arange(len(x))
    split = (rows % 4 == 0).astype(np.uint8)
    return Samples(modality, x, rows % 2, split, rows, rows, group=group, statistics=statistics)


def _gone(name, samples, severity, seed=0):
    """What was there and is missing now."""
    after = load(name)(samples, severity, seeded("a set", name, seed)).x
    return np.isnan(after) & ~np.isnan(samples.x)


def _normal(n=4000, fields=6, seed=0):
    """Correlated columns of very different scales: the last one is independent of all others."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, fields))
    x[:, :-1] += rng.normal(size=(n, 1))
    return _samples("tabular", (x * 10.0 ** np.arange(-2, fields - 2)).astype(np.float32))


def _digit_series(channels=4):
    x = datasets.load_digits().images[:200].reshape(200, 64 // channels, channels).astype(np.float32)
    x[::3, -3:] = np.nan
    return _samples("series", x)


@pytest.mark.parametrize("severity", SHARES)
def test_mnar_share_is_exact_in_every_column_whatever_its_scale(severity):
    samples = _normal()
    gone = _gone("missing_mnar", samples, severity)
    for split in (0, 1):
        part = gone[samples.split == split]
        assert part.sum() == round(severity * part.size)
        assert np.abs(part.sum(0) - severity * len(part)).max() <= 1


def test_mnar_takes_large_values_first_and_with_noise():
    samples = _normal()
    gone = _gone("missing_mnar", samples, 0.4)
    z = samples.x / samples.x.std(0)
    for column in range(6):
        lost, kept = z[gone[:, column], column], z[~gone[:, column], column]
        assert lost.mean() > kept.mean() + 0.6
        assert lost.min() < -0.5  # not a threshold
        assert kept.max() > 0.5
    odds = [gone[(np.abs(z - at) < 0.25)].mean() for at in (-1.0, 1.0)]
    ratio = odds[1] / (1 - odds[1]) / (odds[0] / (1 - odds[0]))
    assert ratio == pytest.approx(np.exp(2), rel=0.25)  # odds grow by e with each sd


def test_mnar_takes_rare_levels_bright_pixels_and_late_words():
    level = np.random.default_rng(0).choice(4, 2000, p=[0.5, 0.3, 0.15, 0.05])
    field = np.array([0, 0, 0, 0, 1])
    x = np.concatenate([np.eye(4)[level], np.zeros((2000, 1))], 1).astype(np.float32)
    gone = _gone("missing_mnar", _samples("tabular", x, field=field), 0.3)
    rates = [gone[level == code, 0].mean() for code in range(4)]
    assert rates == sorted(rates)
    assert rates[3] > 2 * rates[0]
    assert (gone[:, :4].all(1) == gone[:, :4].any(1)).all()
    images = np.repeat(datasets.load_digits().images[:100, None].astype(np.float32) / 16, 3, 1)
    gone = _gone("missing_mnar", _samples("image", images), 0.3)
    assert images[gone].mean() > images[~gone].mean() + 0.15
    tokens = np.random.default_rng(1).integers(3, 500, (300, 12))
    after = load("missing_mnar")(_samples("text", tokens), 0.3, np.random.default_rng(2)).x
    assert tokens[after == 1].mean() > tokens[after != 1].mean() + 50


@pytest.mark.parametrize("severity", SHARES)
def test_mar_keeps_a_share_of_the_fields_and_takes_its_share_of_the_others(severity):
    samples = _normal(fields=10)
    gone = _gone("missing_mar", samples, severity)
    kept = ~gone.any(0)
    assert kept.sum() == 3
    for split in (0, 1):
        part = gone[samples.split == split][:, ~kept]
        assert part.sum() == round(severity * part.size)
        assert np.abs(part.sum(0) - severity * len(part)).max() <= 1


def test_mar_depends_on_the_kept_fields_alone():
    """On independent columns the mask knows nothing of the values it hides, and much of those it leaves."""
    x = np.random.default_rng(3).normal(size=(6000, 6)).astype(np.float32)
    gone = _gone("missing_mar", _samples("tabular", x), 0.4)
    kept = np.flatnonzero(~gone.any(0))
    for column in np.setdiff1d(np.arange(6), kept):
        mask = gone[:, column].astype(float)
        seen = [abs(np.corrcoef(mask, x[:, other])[0, 1]) for other in range(6)]
        assert max(seen[k] for k in kept) > 0.2
        assert max(value for other, value in enumerate(seen) if other not in kept) < 4.5 / np.sqrt(len(x))


def test_mar_of_series_follows_the_nearest_kept_step_of_its_channel():
    rng = np.random.default_rng(4)
    samples = _samples("series", rng.normal(size=(600, 20, 2)).astype(np.float32))
    gone = _gone("missing_mar", samples, 0.5)
    kept = np.flatnonzero(~gone.any((0, 2)))
    assert len(kept) == 6
    own, other = [], []
    for step in np.setdiff1d(np.arange(20), kept):
        near = kept[np.abs(kept - step) == np.abs(kept - step).min()]
        if len(near) == 1:
            own.append(np.corrcoef(gone[:, step, 0], samples.x[:, near[0], 0])[0, 1])
            other.append(np.corrcoef(gone[:, step, 0], samples.x[:, near[0], 1])[0, 1])
    assert np.mean(own) > 0.3
    assert abs(np.mean(other)) < 0.05


def test_mar_works_on_ragged_series_and_images():
    samples = _digit_series()
    gone = _gone("missing_mar", samples, 0.6)
    maskable = ~np.isnan(samples.x) & gone.any((0, 2))[None, :, None]
    assert gone.sum() / maskable.sum() == pytest.approx(0.6, abs=0.001)
    images = datasets.load_digits().images[:60, None].astype(np.float32) / 16
    gone = _gone("missing_mar", _samples("image", images), 0.4)
    assert (~gone.any((0, 1))).sum() == round(0.3 * 64)


def test_mar_needs_a_second_value():
    with pytest.raises(ValueError, match="no other to depend on"):
        _gone("missing_mar", _samples("tabular", np.ones((8, 1), np.float32)), 0.2)


@pytest.mark.parametrize("name", ["missing_mar", "missing_mnar"])
def test_columns_without_values_or_spread_are_no_trouble(name):
    x = datasets.load_wine().data.astype(np.float32)
    x[:, 2], x[:, 5] = np.nan, 1.0
    gone = _gone(name, _samples("tabular", x), 0.4)
    assert not gone[:, 2].any()
    assert gone.any()


@pytest.mark.parametrize("severity", SHARES)
def test_sensors_fail_one_after_the_other_from_their_end(severity):
    samples = _digit_series()
    there = ~np.isnan(samples.x)
    gone = _gone("missing_channel", samples, severity)
    assert gone.sum() / there.sum() == pytest.approx(severity, abs=0.001)
    lost = gone.sum(1) / there.sum(1)  # [n, C]
    partly = (lost > 0) & (lost < 1)
    assert partly.sum(1).max() <= 1  # the channels before it are gone, those after it are whole
    assert np.abs(gone.sum((1, 2)) - severity * there.sum((1, 2))).max() <= 1
    kept = there & ~gone
    for row, channel in zip(*np.nonzero(partly), strict=True):  # what is left of a channel is its beginning
        assert kept[row, : kept[row, :, channel].sum(), channel].all()
    assert len(np.unique(np.argsort(lost, axis=1), axis=0)) > 3  # every series has an order of its own


def test_a_single_channel_loses_its_tail():
    samples = _digit_series(channels=1)
    gone = _gone("missing_channel", samples, 0.4)[..., 0]
    first, last = np.argmax(gone, 1), np.argmax(np.isnan(samples.x[..., 0]), 1)
    last[last == 0] = 64
    assert np.array_equal(gone, (np.arange(64) >= first[:, None]) & (np.arange(64) < last[:, None]))


@pytest.mark.parametrize("group", [None, np.arange(1200) // 4])
def test_a_site_lacks_the_same_fields_in_all_its_rows(group):
    x = np.random.default_rng(5).normal(size=(1200, 20)).astype(np.float32)
    samples = _samples("tabular", x, group=group)
    gone = _gone("missing_channel", samples, 0.4)  # 8 of 20 fields: no field in part
    assert (gone.sum(1) == 8).all()
    patterns, site = np.unique(gone, axis=0, return_inverse=True)
    assert len(patterns) == 10
    assert group is None or all(len(set(site[group == g])) == 1 for g in range(300))
    part = _gone("missing_channel", samples, 0.33)
    assert part.sum() == sum(round(0.33 * 20 * n) for n in np.bincount(samples.split))
    assert set(part.sum(1)) == {6, 7}


@pytest.mark.parametrize("name", ["missing_mar", "missing_mnar", "missing_channel"])
@pytest.mark.parametrize("make", [_normal, _digit_series])
def test_masks_are_nested(name, make):
    samples = make()
    masks = [_gone(name, samples, severity) for severity in (0.0, *SHARES)]
    for smaller, larger in zip(masks, masks[1:], strict=False):
        assert not (smaller & ~larger).any()
        assert smaller.sum() < larger.sum()


def test_training_masks_do_not_see_test_values():
    samples = _normal()
    other = samples.with_x(np.where((samples.split == 1)[:, None], -samples.x * 3, samples.x))
    train = samples.split == 0
    for name in ("missing_mar", "missing_mnar", "missing_channel"):
        assert np.array_equal(_gone(name, samples, 0.4)[train], _gone(name, other, 0.4)[train])
