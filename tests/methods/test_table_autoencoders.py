"""Autoencoders of tables draw the row again; what is missing in it is neither drawn nor learnt from."""

import pytest
import torch

from diptych.parts.decoders import squared_error


@pytest.mark.parametrize("name", ["autoencoder", "denoising_ae"])
def test_it_draws_better_than_the_mean_row(name, wines, made, descend):
    _, batch = wines
    method = made(name, wines)
    descend(method, batch, 60, lr=3e-3)
    with torch.no_grad():
        drawn = method.decoder(method.backbone(batch))
    mean = squared_error(batch.x.nanmean(0).expand_as(batch.x), batch.x)
    assert squared_error(drawn, batch.x) < 0.5 * mean


def test_the_code_is_narrower_than_the_row(wines, made):
    facts, batch = wines
    assert made("autoencoder", wines).backbone(batch).shape[1] < facts["shape"][0]


def test_denoising_aims_at_the_clean_row(wines, made, rng):
    _, batch = wines
    method = made("denoising_ae", wines).eval()
    damaged, clean = method.view(batch, rng(3))
    assert clean is batch
    expected = (method.decoder(method.encoder(damaged.x)) - batch.x).square().nanmean()
    torch.testing.assert_close(method.loss(batch, rng(3)), expected)
