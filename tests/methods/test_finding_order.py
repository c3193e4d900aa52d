"""Finding Order in Chaos: the mixture keeps a shared rhythm; its shares follow a similarity that is learnt."""

import math

import pytest
import torch
from scipy.stats import kstest, truncnorm, uniform

from diptych.parts.mixing import shares_of, spectral, truncated_normal
from diptych.parts.tc_vae import TcVae

T = torch.arange(64.0)


def wave(phase, amplitude=1.0):
    return amplitude * torch.sin(2 * math.pi * 5 * T / 64 + phase)[None, :, None]


def mixed(x, partner, amplitude, phase):
    return spectral(x, partner, torch.full((len(x),), amplitude), torch.full((len(x),), phase))


def test_opposite_phases_do_not_cancel():
    a, b = wave(0.0), wave(3.1)
    assert (0.5 * a + 0.5 * b).abs().max() < 0.03
    assert mixed(a, b, 0.5, 0.5).abs().max().item() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(("first", "second", "middle"), [(0.2, 1.0, 0.6), (3.0, -3.0, math.pi), (1.0, 0.2, 0.6)])
def test_phases_meet_on_the_shorter_arc_and_magnitudes_in_proportion(first, second, middle):
    found = mixed(wave(first, 2.0), wave(second, 4.0), 0.25, 0.5)
    torch.testing.assert_close(found, wave(middle, 3.5), rtol=1e-3, atol=1e-3)


def test_itself_and_a_share_of_one_return_the_series():
    x = torch.randn(5, 31, 2)
    x[0, 20:] = torch.nan
    torch.testing.assert_close(mixed(x, x.flip(0), 1.0, 1.0), x, rtol=1e-4, atol=1e-4, equal_nan=True)
    torch.testing.assert_close(mixed(x, x, 0.3, 0.6), x, rtol=1e-4, atol=1e-4, equal_nan=True)


def test_shares_are_wide_for_like_pairs_and_near_one_for_others(rng):
    latents = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.0, 1.0]]).repeat(1000, 1)
    order = torch.tensor([1, 2, 3, 0]).repeat(1000)  # like, unlike, like, unlike
    for share, low in zip(shares_of(latents, order, rng(), threshold=0.8), (0.7, 0.9), strict=True):
        like, unlike = share[::2], share[1::2]
        assert kstest(like.numpy(), uniform(low, 1 - low).cdf).pvalue > 1e-3
        assert kstest(unlike.numpy(), truncnorm((low - 1) / 0.1, 0, loc=1, scale=0.1).cdf).pvalue > 1e-3


def test_truncated_normals_stay_inside(rng):
    drawn = truncated_normal(5000, 0.7, 0.1, rng())
    assert 0.7 <= drawn.min() < 0.72
    assert 0.9999 < drawn.max() <= 1
    assert (truncated_normal(9, 1.0, 0.1, rng()) == 1).all()


def test_the_parts_of_the_divergence_add_up_to_it(rng):
    vae = TcVae(8, latent=3, beta=1.0, n_train=500)
    z, mean, log_sd = torch.randn(3, 7, 3, generator=rng()).unbind(0)
    given = torch.distributions.Normal(mean, log_sd.exp()).log_prob(z).sum(1)
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(vae._divergence(z, mean, log_sd), given - prior)
    vae.beta = 2.0
    assert not torch.allclose(vae._divergence(z, mean, log_sd), given - prior)


def test_the_autoencoder_comes_first_and_then_stays(strokes, made, rng):
    _, batch = strokes
    method = made("finding_order", strokes)
    first, second = method.stages()
    assert first.share + second.share == pytest.approx(1.0)
    method.begin("vae", batch, rng())
    optimiser = torch.optim.Adam(method.vae.parameters(), lr=3e-3)
    before = method.loss(batch, rng(5)).item()
    for step in range(60):
        optimiser.zero_grad()
        method.loss(batch, rng(step)).backward()
        optimiser.step()
    assert method.loss(batch, rng(5)).item() < before - 10
    method.begin("contrast", batch, rng())
    optimiser.zero_grad()
    method.loss(batch, rng()).backward()
    assert all(p.grad is None for p in method.vae.parameters())


def test_the_partner_of_the_similarity_is_that_of_the_mixture(strokes, made, rng, monkeypatch):
    """The authors look up another pair's similarity than the one that is mixed."""
    from diptych.methods import finding_order

    _, batch = strokes
    method, seen = made("finding_order", strokes), {}
    method.begin("contrast", batch, rng())
    monkeypatch.setattr(
        finding_order,
        "shares_of",
        lambda z, order, g, threshold: seen.update(order=order, z=z) or (torch.ones(128),) * 2,
    )
    monkeypatch.setattr(finding_order, "spectral", lambda x, partner, *shares: seen.update(x=x, partner=partner) or x)
    method.loss(batch, rng())
    assert torch.equal(seen["partner"].nan_to_num(9), seen["x"][seen["order"]].nan_to_num(9))
    assert torch.equal(seen["z"], method.vae.latents(batch.x))
