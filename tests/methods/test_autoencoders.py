"""Autoencoders draw their input; what is missing in it is neither drawn nor learnt from."""

import pytest
import torch

from diptych.parts.decoders import ImageDecoder, squared_error


@pytest.mark.parametrize("name", ["autoencoder", "denoising_ae"])
def test_it_draws_better_than_the_mean_image(name, digits, made, descend):
    batch = digits[1].take(torch.arange(64))
    method = made(name, digits)
    descend(method, batch, 60, lr=3e-3)
    with torch.no_grad():
        drawn = method.decoder(method.backbone(batch))
    mean = squared_error(batch.x.mean(0).expand_as(batch.x), batch.x)
    assert squared_error(drawn, batch.x) < 0.8 * mean


def test_denoising_starts_from_the_damaged_image_and_aims_at_the_clean_one(digits, made, rng):
    _, batch = digits
    method = made("denoising_ae", digits).eval()
    damaged, clean = method.view(batch, rng(3))
    assert clean is batch
    expected = (method.decoder(method.encoder(damaged.x)) - batch.x).square().mean()
    torch.testing.assert_close(method.loss(batch, rng(3)), expected)
    assert method.loss(batch, rng(3)) != method.loss(batch, rng(4))


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 36, 20), (3, 72, 72), (1, 5, 3)])
def test_the_decoder_fits_every_shape(shape):
    drawn = ImageDecoder(32, shape)(torch.randn(2, 32))
    assert drawn.shape == (2, *shape)
    assert ((drawn > 0) & (drawn < 1)).all()


def test_missing_pixels_have_no_error_and_no_gradient():
    target = torch.rand(2, 1, 4, 4)
    target[0, 0, :2] = torch.nan
    predicted = torch.rand(2, 1, 4, 4, requires_grad=True)
    error = squared_error(predicted, target)
    seen = ~target.isnan()
    torch.testing.assert_close(error, (predicted[seen] - target[seen]).square().mean())
    error.backward()
    assert torch.equal(predicted.grad != 0, seen)
    assert squared_error(predicted, torch.full_like(target, torch.nan)) == 0
