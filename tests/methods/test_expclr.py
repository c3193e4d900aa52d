"""ExpCLR: distances follow the expert features; these are what their names say."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import kurtosis, skew

from diptych.parts.expert_features import diameter, expert_features
from diptych.parts.objectives.expclr import expclr


class Isometry(torch.nn.Module):
    """An encoder that knows the features of the training rows."""

    def __init__(self, series, z):
        super().__init__()
        self.series, self.z = series, z

    def forward(self, x):
        rows = [int((self.series.nan_to_num(9) == one.nan_to_num(9)).all(2).all(1).nonzero()[0, 0]) for one in x]
        return self.z[rows]


def test_an_isometry_has_no_loss(strokes, made, rng):
    _, batch = strokes
    method = made("expclr", strokes, delta=3.0)
    method.encoder = Isometry(batch.x, 3.0 * method.features / method.largest)
    some = batch.take(torch.tensor([5, 1, 77, 30]))
    assert method.loss(some, rng()).abs() < 1e-5
    method.encoder.z = method.encoder.z.flip(0)
    assert method.loss(some, rng()) > 1e-2


def test_the_largest_distance_is_that_of_the_training_rows(strokes, made):
    _, batch = strokes
    method = made("expclr", strokes)
    assert method.largest == pytest.approx(float(torch.cdist(method.features, method.features).max()), rel=1e-4)
    assert diameter(torch.arange(1000.0)[:, None]) == 999
    assert torch.allclose(method.features.mean(0), torch.tensor(0.0), atol=1e-4)
    varies = method.features.any(0)
    assert torch.allclose(method.features[:, varies].std(0, correction=0), torch.tensor(1.0), atol=1e-3)


def test_temperature_goes_from_the_mean_to_the_maximum(rng):
    z, f = torch.randn(12, 3, generator=rng(1)), torch.randn(12, 5, generator=rng(2))
    errors = (torch.cdist(f, f) / torch.cdist(f, f).max() - torch.cdist(z, z)).square()
    for temperature, expected, near in ((1e6, errors.mean(), 1e-4), (1e-3, errors.max(), 1e-2)):
        assert expclr(z, f, delta=1.0, temperature=temperature).item() == pytest.approx(expected.item(), abs=near)


def test_features_are_what_they_are_called():
    t = torch.arange(64.0)
    x = torch.stack([torch.sin(6.2832 * 4 * t / 64 + 0.1), (t / 20).exp()], 1)[None].repeat(3, 1, 1)
    x[1, 50:] = torch.nan
    found = expert_features(x).unflatten(1, (13, 2))  # [n, features, channels]
    for row, length in ((0, 64), (1, 50)):
        series = x[row, :length].numpy()
        expected = [series.mean(0), series.std(0), skew(series), kurtosis(series, fisher=False)]
        expected += [*np.quantile(series, (0.1, 0.25, 0.5, 0.75, 0.9), axis=0)]
        np.testing.assert_allclose(found[row, :9], np.stack(expected), rtol=1e-3, atol=1e-3)
    assert found[0, 12, 0].item() == pytest.approx(4 / 33)  # the fourth of 33 frequencies
    assert found[0, 11, 0].item() == pytest.approx(8 / 63, abs=0.02)  # eight crossings
    assert found[0, 10, 0].item() == pytest.approx(np.cos(2 * np.pi * 4 / 64), abs=0.02)
    assert found[0, 11, 1].item() == pytest.approx(1 / 63)


def test_a_series_of_which_nothing_was_seen_is_no_outlier(strokes, made):
    _, batch = strokes
    whole = made("expclr", strokes)
    x = batch.x.clone()
    x[:3] = torch.nan
    method = made("expclr", strokes)
    method.calibrate(replace(batch, x=x), torch.Generator().manual_seed(0))
    assert method.features.isfinite().all()
    assert (method.features[:3] == 0).all()  # the mean of the training rows
    assert method.largest <= 1.1 * whole.largest
