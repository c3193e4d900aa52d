"""MiniRocket against its definition, one kernel and one step at a time."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifierCV

from diptych.parts.minirocket import KERNELS, MiniRocket, dilations, drawn_channels


@pytest.fixture
def fitted(rng):
    """fitted(x, features) -> a transform that has seen x."""

    def fit(x, features=84 * 6, seed=0):
        transform = MiniRocket(x.shape[1], features)
        transform.fit(x, rng(seed))
        return transform

    return fit


def convolution(x, kernel, dilation):
    """[T] -> [T]: the kernel laid over every step, with zeros around the series."""
    weights = [2.0 if i in kernel else -1.0 for i in range(9)]
    padded = np.pad(x, 4 * dilation)
    return np.array([sum(w * padded[t + i * dilation] for i, w in enumerate(weights)) for t in range(len(x))])


def test_kernels_and_dilations_are_the_papers():
    assert len(set(KERNELS)) == 84
    found, counts = dilations(150, 119)
    assert found == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18]
    assert sum(counts) == 119
    assert dilations(24, 119) == ([1, 2], [79, 40])
    assert dilations(9, 119) == ([1], [119])
    assert max(dilations(1000, 119)[0]) <= 999 // 8


def test_features_are_shares_of_steps_above_a_bias(fitted, rng):
    x = torch.randn(6, 40, 1, generator=rng(1))
    transform = fitted(x)
    found, column = transform(x).numpy(), 0
    assert found.shape == (6, 84 * 6)
    for number, (dilation, count) in enumerate(zip(transform.dilations, transform.counts, strict=True)):
        for k, kernel in enumerate(KERNELS):
            inside = slice(4 * dilation, 40 - 4 * dilation) if (number + k) % 2 else slice(None)
            biases = transform.biases[column : column + count].numpy()
            for row in (0, 5):
                values = convolution(x[row, :, 0].numpy(), kernel, dilation)[inside]
                np.testing.assert_allclose(found[row, column : column + count], (values[:, None] > biases).mean(0))
            column += count


def test_biases_are_quantiles_of_a_training_series(fitted, rng):
    x = torch.randn(1, 64, 1, generator=rng(1)).repeat(5, 1, 1)
    transform = fitted(x)
    levels = (np.arange(1, 85 * 6) * (5**0.5 + 1) / 2) % 1
    count = transform.counts[0]
    expected = np.quantile(convolution(x[0, :, 0].numpy(), KERNELS[1], 1), levels[count : 2 * count])
    np.testing.assert_allclose(transform.biases[count : 2 * count], expected, atol=1e-4)


def test_a_pattern_is_found_wherever_it_is(fitted, rng):
    x, y = 0.1 * torch.randn(200, 96, 1, generator=rng(1)), torch.arange(200) % 2
    start = torch.randint(0, 84, (200,), generator=rng(2))
    for row, (at, kind) in enumerate(zip(start.tolist(), y.tolist(), strict=True)):
        x[row, at : at + 12, 0] += torch.tensor([1.0, 0, -1] * 4 if kind else [1.0, -1, 0] * 4)  # the same values
    z = fitted(x[:100], 9996)(x).numpy()
    assert RidgeClassifierCV(np.logspace(-3, 3, 7)).fit(z[:100], y[:100]).score(z[100:], y[100:]) > 0.95
    flat = x.flatten(1).numpy()
    assert RidgeClassifierCV(np.logspace(-3, 3, 7)).fit(flat[:100], y[:100]).score(flat[100:], y[100:]) < 0.7


def test_what_rounding_leaves_of_a_constant_stretch_does_not_count(fitted, rng):
    x = torch.randn(40, 1, 1, generator=rng(1)).repeat(1, 60, 1)
    transform = fitted(x, 84)
    assert len(transform.dilations) == 1
    inside = transform(x)[:, 1::2]  # kernels that never reach beyond a series: all rows are 0 to them
    assert (inside == inside[0]).all()


def test_a_kernel_sees_one_to_nine_channels(rng):
    counts = drawn_channels((50, 84), 20, rng()).sum(-1)
    assert {*counts.flatten().tolist()} == set(range(1, 10))
    assert (counts == 1).sum() > (counts == 2).sum() > (counts == 9).sum()
    assert (drawn_channels((50, 84), 1, rng()) == 1).all()
    assert drawn_channels((50, 84), 3, rng()).sum(-1).max() == 3


def test_of_several_channels_the_sum_counts(fitted, rng):
    x = torch.randn(8, 30, 3, generator=rng(1))
    transform = fitted(x)
    transform.channels = torch.zeros_like(transform.channels).index_fill(2, torch.tensor([0, 2]), 1.0)
    alone = MiniRocket(30, 84 * 6)
    alone.channels, alone.biases = torch.ones(*transform.channels.shape[:2], 1), transform.biases
    torch.testing.assert_close(transform(x), alone(x[..., [0, 2]].sum(2, keepdim=True)), atol=0.05, rtol=0)


def test_short_and_empty_series(fitted):
    x = torch.randn(5, 4, 2)
    x[0] = torch.nan
    assert fitted(x)(x).isfinite().all()
    with pytest.raises(ValueError, match="84 kernels, so features must be at least that, not 50"):
        MiniRocket(30, 50)
