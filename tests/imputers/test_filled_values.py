"""What each imputer fills in, on values that can be worked out by hand, and how near it comes to the hidden ones."""

import numpy as np
import pytest
from sklearn import datasets

from diptych.data.samples import Samples
from diptych.imputers import iterative
from diptych.imputers.base import Unfit, load

NAN = np.nan


def _samples(x, modality, test=()):
    x = np.asarray(x, np.float32)
    split = np.isin(np.arange(len(x)), test).astype(np.uint8)
    nothing = np.arange(len(x))
    return Samples(modality, x, nothing, split, nothing, nothing)


def test_mean_of_a_table_is_the_train_mean_and_the_train_shares_of_levels():
    x = [[1, 1, 0], [3, 1, 0], [NAN, 0, 1], [2, NAN, NAN], [100, 0, 1]]
    found = load("mean")(_samples(x, "tabular", test=[4])).x
    assert found[2, 0] == 2.0  # (1 + 3 + 2) / 3; the test row of 100 does not count
    assert found[3, 1:] == pytest.approx([2 / 3, 1 / 3])


def test_mean_of_a_series_is_that_of_its_channel():
    x = [[[1, 10], [NAN, 30], [3, NAN], [NAN, NAN]], [[5, NAN], [NAN, NAN], [7, NAN], [NAN, NAN]]]
    found = load("mean")(_samples(x, "series")).x
    assert found[0, :3].tolist() == [[1, 10], [4, 30], [3, 20]]
    assert found[1, :3].tolist() == [[5, 20], [4, 20], [7, 20]]
    assert np.isnan(found[:, 3]).all()


def test_last_goes_forward_then_backward_within_a_channel():
    x = [[[1, NAN], [NAN, 8], [NAN, NAN], [4, 9]], [[2, NAN], [NAN, NAN], [6, NAN], [NAN, NAN]]]
    found = load("last")(_samples(x, "series")).x
    assert found[0].tolist() == [[1, 8], [1, 8], [1, 8], [4, 9]]
    assert found[1, :3].tolist() == [[2, 8.5], [2, 8.5], [6, 8.5]]  # a silent channel: its training mean
    assert np.isnan(found[1, 3]).all()


def test_iterative_finds_what_other_columns_say():
    x = datasets.load_wine().data
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    gap = np.random.default_rng(0).random(x.shape) < 0.2
    samples = _samples(np.where(gap, NAN, x), "tabular", test=np.arange(0, len(x), 3))
    error = {name: np.sqrt(np.mean((load(name)(samples).x - x)[gap] ** 2)) for name in ("mean", "iterative")}
    assert error["iterative"] < 0.85 * error["mean"]


def test_iterative_fills_a_series_from_the_steps_around():
    t = np.linspace(0, 6, 40)
    rng = np.random.default_rng(0)
    x = np.sin(t + rng.random((60, 1)) * 3)[..., None]  # [60, 40, 1]
    gap = rng.random(x.shape) < 0.2
    gap[:, [0, -1]] = False
    samples = _samples(np.where(gap, NAN, x), "series", test=np.arange(20))
    error = {name: np.sqrt(np.mean((load(name)(samples).x - x)[gap] ** 2)) for name in ("mean", "last", "iterative")}
    assert error["iterative"] < error["last"] < error["mean"]


def test_iterative_stays_in_the_training_range():
    rng = np.random.default_rng(0)
    levels = np.eye(3)[rng.integers(0, 3, 50)]
    x = np.column_stack([levels, levels @ [-1, 0, 1] + 0.1 * rng.normal(size=50)])
    x[rng.random(50) < 0.3, :3] = NAN
    x[-5:, 3] *= 10  # far out of anything in train
    found = load("iterative")(_samples(x, "tabular", test=np.arange(45, 50))).x
    assert found[:, :3].min() >= 0
    assert found[:, :3].max() <= 1


def test_iterative_names_its_limit():
    x = np.ones((4, iterative.COLUMNS + 1))
    x[0, 0] = NAN
    with pytest.raises(Unfit, match="at most 600 columns .* there are 601"):
        load("iterative")(_samples(x, "tabular"))
    with pytest.raises(Unfit, match="there are 301 × 2"):
        load("iterative")(
            _samples(np.where(np.arange(602).reshape(1, 301, 2) == 4, NAN, np.ones((3, 301, 2))), "series")
        )
