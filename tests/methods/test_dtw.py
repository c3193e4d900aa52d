"""Dynamic time warping against its recursion, cell by cell, and the votes of neighbours."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from diptych.batch import Batch
from diptych.embedder import Embedder, Restored
from diptych.methods import dtw
from diptych.parts.dtw import cells, warped


def series(values):
    """The part of [T, C] up to its last value; gaps are 0."""
    last = np.flatnonzero(~np.isnan(values).all(1)).max()
    return np.nan_to_num(values[: last + 1])


def naive(a, b, band):
    d = np.full((len(a) + 1, len(b) + 1), np.inf)
    d[0, 0] = 0
    for i in range(len(a)):
        for j in range(len(b)):
            if abs(i - j) <= max(band, abs(len(a) - len(b))):
                d[i + 1, j + 1] = ((a[i] - b[j]) ** 2).sum() + min(d[i, j], d[i, j + 1], d[i + 1, j])
    return d[-1, -1]


@pytest.mark.parametrize("band", [0, 1, 3, 12])
@pytest.mark.parametrize("ragged", [False, True])
def test_distances_are_those_of_the_recursion(rng, band, ragged):
    x, y = torch.randn(5, 12, 2, generator=rng(1)), torch.randn(4, 12, 2, generator=rng(2))
    x[2, 4, 0] = y[3, 5] = torch.nan
    if ragged:
        x[0, 7:], x[1, 1:], y[2, 5:] = torch.nan, torch.nan, torch.nan
    expected = [[naive(series(a), series(b), band) for b in y.numpy()] for a in x.numpy()]
    np.testing.assert_allclose(warped(x, y, band=band), expected, rtol=1e-4)


def test_without_a_band_it_is_euclidean_and_a_wider_band_is_nearer(rng):
    x, y = torch.randn(7, 30, 3, generator=rng(1)), torch.randn(6, 30, 3, generator=rng(2))
    found = [warped(x, y, band=band) for band in (0, 2, 10, 29)]
    torch.testing.assert_close(found[0].sqrt(), torch.cdist(x.flatten(1), y.flatten(1)), rtol=1e-4, atol=1e-4)
    assert all((wide <= narrow + 1e-4).all() for narrow, wide in zip(found, found[1:], strict=False))


def test_a_shift_within_the_band_costs_nothing():
    bump = torch.zeros(1, 40, 1)
    bump[0, 10:15, 0] = torch.tensor([1.0, 2, 3, 2, 1])
    assert warped(bump, bump.roll(3, 1), band=3).item() == pytest.approx(0)
    assert warped(bump, bump.roll(3, 1), band=2).item() > 0.5


def test_chunks_change_nothing(rng, monkeypatch):
    x, y = torch.randn(9, 15, 1, generator=rng(1)), torch.randn(6, 15, 1, generator=rng(2))
    whole = warped(x, y, band=4)
    monkeypatch.setattr("diptych.parts.dtw.VALUES", 1)
    assert torch.equal(warped(x, y, band=4), whole)


def test_cells_of_a_band():
    apart = np.abs(np.subtract.outer(np.arange(20), np.arange(20)))
    assert [cells(20, band) for band in (0, 3, 19)] == [(apart <= band).sum() for band in (0, 3, 19)]


@pytest.fixture
def two_shapes(rng):
    """Facts and 40 series of two shapes, by turns, each at a place of its own."""
    label = torch.arange(40) % 2
    x = 0.05 * torch.randn(40, 60, 1, generator=rng(1))
    for row, at in enumerate(torch.randint(10, 16, (40,), generator=rng(2)).tolist()):
        x[row, at : at + 20, 0] += torch.sin(torch.arange(20) * (0.63 if label[row] else 0.31))
    facts = {"modality": "series", "shape": [60, 1], "n_train": 40, "n_test": 10, "classes": 2}
    return facts, x, label


def batch_of(x, label, first_key=0):
    rows = torch.arange(len(x))
    return Batch(x, rows, rows + first_key, label)


def test_votes_are_those_of_the_nearest_other_series(made, two_shapes):
    facts, x, label = two_shapes
    train = batch_of(x[:30], label[:30])
    method = made("dtw", (facts, train))
    distances = warped(x, x[:30], band=6)
    new = method.embed(batch_of(x[30:], label[30:], first_key=30))["backbone"]
    assert torch.equal(new.argmax(1), label[distances[30:].argmin(1)])
    own = method.embed(train)["backbone"]
    assert torch.equal(own.argmax(1), label[distances[:30].fill_diagonal_(torch.inf).argmin(1)])
    assert torch.equal(own.sum(1), torch.ones(30))
    assert (new.argmax(1) == label[30:]).float().mean() == 1


def test_no_row_of_its_own_object_votes(made, two_shapes):
    facts, x, label = two_shapes
    twins = batch_of(x[:20].repeat_interleave(2, 0), label[:20].repeat_interleave(2))
    twins = replace(twins, label=torch.arange(40) // 2 % 2, key=torch.arange(40) // 2)
    alone = made("dtw", (facts, batch_of(x[:20], label[:20])))
    paired = made("dtw", (facts, twins))
    assert torch.equal(paired.embed(twins)["backbone"][::2], alone.embed(batch_of(x[:20], None))["backbone"])


def test_rows_of_a_new_array_are_no_training_objects(made, two_shapes):
    facts, x, label = two_shapes
    method = made("dtw", (facts, batch_of(x, label)))
    found = Embedder(Restored(method, "cpu"), facts, {}, Path()).embed(x.numpy())
    assert np.array_equal(found.argmax(1), label)  # each is nearest to itself, which may vote here


def test_more_work_than_is_feasible_is_refused(made, two_shapes, monkeypatch):
    facts, x, label = two_shapes
    work = 50 * 40 * cells(60, 6)
    monkeypatch.setattr(dtw, "LIMIT", work - 1)
    with pytest.raises(
        ValueError, match=r"dtw on 50 × 40 pairs of 60 steps and 1 channels in a band of 6 is 1\.5e\+06"
    ):
        made("dtw", (facts, batch_of(x, label)))
    monkeypatch.setattr(dtw, "LIMIT", work)
    made("dtw", (facts, batch_of(x, label)))
    with pytest.raises(ValueError, match="dtw needs a window of 0 to 1"):
        made("dtw", (facts, batch_of(x, label)), window=10.0)
