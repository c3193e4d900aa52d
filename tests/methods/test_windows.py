"""TNC and TRACE: autocorrelation, neighbourhoods, which windows are drawn, and how a series is read."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from diptych.batch import Batch
from diptych.parts.autocorrelation import autocorrelation, neighbourhood
from diptych.parts.windows import Places, drawn_from, long_enough, read_by_window, window_length, windows_at

STEPS = 240
SMALL = {"tnc": {"dim": 12}, "trace": {"dim": 12, "hidden": 6, "reduced": 8, "depth": 2}}


def batch_of(x):
    rows = torch.arange(len(x))
    return Batch(x, rows, rows)


@pytest.fixture(scope="session")
def regimes(rng):
    """Facts and 24 series of two channels that change their rhythm and their noise after a random while."""
    generator, t = rng(5), torch.arange(STEPS)
    change = torch.randint(60, 180, (24, 1), generator=generator)
    wave = torch.where(t < change, torch.sin(t / 2.0), torch.sin(t / 9.0))
    noise = torch.randn(24, STEPS, generator=generator) * torch.where(t < change, 0.3, 0.05)
    x = torch.stack([wave + noise, torch.where(t < change, -1.0, 1.0) + noise], 2)
    x[::6, 200:] = torch.nan
    x[torch.rand(x.shape, generator=generator) < 0.05] = torch.nan
    return {"modality": "series", "shape": [STEPS, 2], "n_train": 24}, batch_of(x)


def naive_acf(x):
    """Mean over channels of |Σ_t c_t c_{t+lag}| / Σ_t c_t² of complete series, one lag at a time."""
    centred = x - x.mean(1, keepdims=True)
    lags = [np.abs((centred[:, lag:] * centred[:, : x.shape[1] - lag]).sum(1)) for lag in range(x.shape[1])]
    return (np.stack(lags, 1) / lags[0][:, None]).mean(2)


def test_autocorrelation_equals_a_loop():
    x = np.random.default_rng(0).normal(size=(5, 40, 3)).cumsum(1)
    torch.testing.assert_close(autocorrelation(torch.from_numpy(x)), torch.from_numpy(naive_acf(x)))


def test_autocorrelation_survives_gaps_and_ends():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 400, 2))).cumsum(1)
    whole = autocorrelation(x)
    longer = torch.cat([x, torch.full((4, 100, 2), torch.nan)], 1)
    torch.testing.assert_close(autocorrelation(longer)[:, :400], whole)
    gaps = x.masked_fill(torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) < 0.3, torch.nan)
    assert (autocorrelation(gaps) - whole).abs()[:, :200].max() < 0.1
    scarce = x.clone()
    scarce[:, 100:, 1] = torch.nan  # a quarter of the steps: too few to count
    torch.testing.assert_close(autocorrelation(scarce), autocorrelation(x[..., :1]))
    for empty in (torch.full_like(x, torch.nan), torch.ones_like(x)):
        assert not autocorrelation(empty).any()


def test_the_neighbourhood_is_the_first_low_lag_rounded_up_to_windows():
    acf = torch.ones(5, 60)
    for row, low in enumerate((1, 6, 7, 40)):
        acf[row, low:] = 0.5
    acf[1, 20:] = 1.0  # high again
    assert neighbourhood(acf, 6, below=0.6, most=5).tolist() == [6, 6, 12, 30, 30]


def test_windows_lie_where_they_should(regimes, rng):
    x = regimes[1].x.clone()
    x[1, :17] = torch.nan
    places = Places(x, 6)
    near = places.near(torch.full((24, 1), 100), torch.full((24,), 12), 4000, rng())
    assert near[2].double().std().item() == pytest.approx(12, rel=0.05)
    assert near[2].double().mean().item() == pytest.approx(100, abs=1)
    wide = places.near(torch.full((24, 1), 100), torch.full((24,), 500), 400, rng())
    assert wide.amin(1)[:3].tolist() == [0, 17, 0]
    assert wide.amax(1)[:3].tolist() == [194, 234, 234]
    anywhere = torch.cat([places.anywhere(rng(seed)) for seed in range(3000)], 1)
    assert anywhere.amin(1)[:3].tolist() == [0, 17, 0]
    assert anywhere.amax(1)[:3].tolist() == [194, 234, 234]


@pytest.mark.parametrize(
    ("start", "least", "low", "high"), [(20, 50, 70, 234), (150, 50, 0, 100), (100, 200, 234, 234)]
)
def test_tncs_distant_windows_are_on_the_longer_side(start, least, low, high, rng):
    places = Places(torch.zeros(1, STEPS, 1), 6)
    found = places.distant(torch.tensor([[start]]), torch.tensor([least]), 5000, rng())
    assert found.min() == low
    assert found.max() == high


def test_traces_windows_are_beyond_and_uncorrelated_or_the_least_correlated(rng):
    places, start, reach = Places(torch.zeros(3, 60, 1), 6), torch.full((3, 1), 20), torch.full((3,), 12)
    acf = torch.full((3, 60), 0.5)
    acf[0, 15:18], acf[1, 30], acf[2, 5] = (
        torch.tensor([0.05, 0.09, 0.02]),
        0.3,
        0.0,
    )  # the last one lies within the neighbourhood
    found = places.unlike(start, reach, acf, 3000, rng(), most=0.1)
    assert found[0].unique().tolist() == [3, 4, 5, 35, 36, 37]
    assert found[1].unique().tolist() == [50]
    assert found[2].unique().tolist() == [*range(8), *range(33, 55)]
    everywhere = places.unlike(start, torch.full((3,), 99), acf, 3000, rng(), most=0.1)
    assert everywhere.unique().tolist() == [54]  # a neighbourhood without an outside ends before the farthest window


def test_draws_are_even_over_what_is_allowed(rng):
    allowed = torch.zeros(2, 9, dtype=torch.bool)
    allowed[0, [1, 4, 8]], allowed[1, 0] = True, True
    found = drawn_from(allowed, 9000, rng())
    assert torch.bincount(found[1]).tolist() == [9000]
    assert torch.bincount(found[0], minlength=9)[[1, 4, 8]].tolist() == pytest.approx([3000] * 3, rel=0.05)


def test_windows_are_cut_as_they_stand():
    x = torch.arange(20.0)[None, :, None].repeat(2, 1, 1) + torch.tensor([0.0, 100.0])[:, None, None]
    windows = windows_at(x, torch.tensor([[0, 3], [7, 18]]), 4)[..., 0]
    assert windows[0].tolist() == [[0, 1, 2, 3], [3, 4, 5, 6]]
    assert windows[1, 0].tolist() == [107, 108, 109, 110]
    assert windows[1, 1].nan_to_num(-1).tolist() == [118, 119, -1, -1]


def test_short_series_are_refused_or_left_out(made, regimes):
    assert window_length(0.1, 240) == 24
    assert window_length(12.0, 240) == 12
    assert window_length(0.001, 240) == 4
    for delta, steps in ((0.3, 240), (50.0, 240), (0.01, 19), (0.0, 240)):
        with pytest.raises(ValueError, match=rf"leave room for 5 windows in a series; it is {delta:g}"):
            window_length(delta, steps)
    x = regimes[1].x.clone()
    x[3:5, 29:] = torch.nan
    assert long_enough(batch_of(x), 6).index.tolist() == [0, 1, 2, *range(5, 24)]
    assert len(long_enough(batch_of(x[3:5]), 6)) == 2


@pytest.mark.parametrize("name", SMALL)
def test_the_loss_starts_at_log_two(name, regimes, made, rng):
    method = made(name, regimes, encoder=SMALL[name])
    losses = [method.loss(regimes[1], rng(seed)).item() for seed in range(5)]
    assert sum(losses) / 5 == pytest.approx(math.log(2), abs=0.03)


@pytest.mark.parametrize("name", SMALL)
def test_it_learns(name, regimes, made, descend):
    losses = descend(made(name, regimes, encoder=SMALL[name]), regimes[1], 60, lr=5e-3)
    assert sum(losses[-15:]) / 15 < 0.85 * sum(losses[:15]) / 15


@pytest.mark.parametrize("name", SMALL)
def test_a_series_is_the_mean_of_its_windows_whatever_the_batch(name, regimes, made):
    _, batch = regimes
    method = made(name, regimes, encoder=SMALL[name]).eval()
    with torch.no_grad():
        found = method.embed(batch)["backbone"]
        whole = torch.stack([method.encoder(batch.x[:, i : i + 6]) for i in range(0, STEPS, 6)]).mean(0)
        full = (~batch.x.isnan().all(2)).all(1)
        torch.testing.assert_close(found[full], whole[full], rtol=1e-4, atol=1e-5)
        alone = method.embed(batch.take(torch.tensor([6])))["backbone"]
        torch.testing.assert_close(alone, found[6:7], rtol=1e-4, atol=1e-5)
        shorter = read_by_window(method.encoder, batch.x[6:7, :200], 6)
        torch.testing.assert_close(shorter, alone, rtol=1e-4, atol=1e-5)


def test_neighbourhoods_belong_to_the_series_of_a_row(regimes, made, rng):
    """A shuffled batch finds the lags of its own rows; a fixed eta needs none."""
    _, batch = regimes
    trace, fixed = made("trace", regimes, encoder=SMALL["trace"]), made("tnc", regimes, encoder=SMALL["tnc"], eta=3)
    assert trace.acf.shape == (24, STEPS)
    assert trace.length == 6
    assert fixed.reach.tolist() == [18] * 24
    assert made("tnc", regimes, encoder=SMALL["tnc"]).reach.max() <= 24
    trace.acf = torch.full((24, STEPS), 0.9)
    trace.acf[7, 100] = 0.0  # of one series one lag is uncorrelated
    asked = []
    trace.encoder.register_forward_pre_hook(lambda module, inputs: asked.append(inputs[0]))
    marked = replace(batch.take(torch.tensor([7])), x=torch.arange(float(STEPS))[None, :, None].repeat(1, 1, 2))
    trace.loss(marked, rng())
    first = asked[0][:, 0, 0]  # the step at which each window starts
    assert set((first[7:] - first[0]).abs().tolist()) == {100.0}


def test_traces_encoder_sees_what_was_observed(regimes, made):
    method = made("trace", regimes, encoder=SMALL["trace"]).eval()
    x = torch.zeros(2, 30, 2)
    x[1, 10:20, 0] = torch.nan  # the value would be 0 too
    values, _ = method.encoder.start(x)
    assert values.shape == (2, 4, 30)
    assert torch.equal(values[:, :2], torch.zeros(2, 2, 30))
    assert torch.equal(values[:, 2:], (~x.isnan()).mT.float())
    z = method.encoder(x)
    assert not torch.allclose(z[0], z[1], atol=1e-4)
