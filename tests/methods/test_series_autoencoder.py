"""The autoencoder of series draws them again; what is missing is neither drawn nor learnt from."""

import torch

from diptych.parts.decoders import squared_error

SMALL = {"hidden": 16, "depth": 3, "dim": 32}


def test_it_draws_better_than_the_mean_series(strokes, made, descend):
    _, batch = strokes
    method = made("autoencoder", strokes, encoder=SMALL)
    descend(method, batch, 80, lr=3e-3)
    with torch.no_grad():
        drawn = method.decoder(method.backbone(batch))
    assert drawn.shape == batch.x.shape
    mean = squared_error(batch.x.nanmean(0).expand_as(batch.x), batch.x)
    assert squared_error(drawn, batch.x) < 0.8 * mean


def test_missing_steps_have_no_error(strokes, made, rng):
    _, batch = strokes
    method = made("autoencoder", strokes, encoder=SMALL).eval()
    seen = ~batch.x.isnan()
    expected = (method.decoder(method.encoder(batch.x)) - batch.x)[seen].square().mean()
    torch.testing.assert_close(method.loss(batch, rng()), expected)
