"""MCL: the mixture, its share, and the special cases of the loss."""

import pytest
import torch
from scipy.stats import beta as distribution
from scipy.stats import kstest

from diptych.methods import mcl
from diptych.parts.mixing import beta
from diptych.parts.objectives.mixup_mcl import mixup_mcl


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_have_the_beta_distribution(alpha, rng):
    generator = rng(1)
    drawn = [beta(alpha, generator) for _ in range(1500)]
    assert kstest(drawn, distribution(alpha, alpha).cdf).pvalue > 1e-3


def test_a_share_of_one_is_info_nce_with_itself_and_extra_candidates(strokes, made, rng, monkeypatch):
    monkeypatch.setattr(mcl, "beta", lambda alpha, generator: 1.0)
    _, batch = strokes
    batch = batch.with_x(batch.x.nan_to_num(0.0))  # else a gap of the other one would show
    method = made("mcl", strokes).eval()
    with torch.no_grad():
        z = torch.nn.functional.normalize(method.projected(batch), dim=1)
        order = torch.randperm(len(batch), generator=rng(2))
        logits = z @ torch.cat([z, z[order]]).T / method.temperature  # [n, 2n]
        expected = torch.nn.functional.cross_entropy(logits, torch.arange(len(batch)))
        torch.testing.assert_close(method.loss(batch, rng(2)), expected)


def test_the_components_may_change_places(rng):
    mixed, z1, z2 = torch.randn(3, 10, 8, generator=rng()).unbind(0)
    one = mixup_mcl(mixed, z1, z2, lam=0.3, temperature=0.5)
    torch.testing.assert_close(mixup_mcl(mixed, z2, z1, lam=0.7, temperature=0.5), one)


def test_the_encoder_sees_the_mixture_and_its_gaps(strokes, made, rng, monkeypatch):
    monkeypatch.setattr(mcl, "beta", lambda alpha, generator: 0.25)
    _, batch = strokes
    method, seen = made("mcl", strokes), []
    method.encoder.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    method.loss(batch, rng(2))
    order = torch.randperm(len(batch), generator=rng(2))
    torch.testing.assert_close(seen[0], 0.25 * batch.x + 0.75 * batch.x[order], equal_nan=True)
    assert torch.equal(seen[0].isnan(), batch.x.isnan() | batch.x[order].isnan())
    assert torch.equal(seen[1].nan_to_num(9), batch.x.nan_to_num(9))
