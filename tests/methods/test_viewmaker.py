"""Viewmaker: a distortion of a fixed size, drawn by a network that works against the loss."""

import pytest
import torch

from diptych.parts.reversal import reversed_gradient
from diptych.parts.viewmaker import ViewGenerator


def test_reversal_turns_the_gradient_around():
    x = torch.randn(3, requires_grad=True)
    y = reversed_gradient(x)
    assert torch.equal(y, x)
    (y * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [-1, -2, -3]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (1, 30, 7), (3, 9, 11)])
@pytest.mark.parametrize("budget", [0.05, 0.2])
def test_every_image_is_distorted_by_the_whole_budget(shape, budget, rng):
    generator = ViewGenerator(shape[0], budget=budget, blocks=1, width=8)
    x = torch.rand(6, *shape)
    delta = generator.distortion(x, rng())
    assert delta.shape == x.shape
    torch.testing.assert_close(delta.abs().mean((1, 2, 3)), torch.full((6,), budget), rtol=0.01, atol=0)
    view = generator(x, rng())
    torch.testing.assert_close(view, (x + delta).clamp(0, 1))


def test_noise_makes_every_view_another_one(photos, rng):
    _, batch = photos
    generator, draws = ViewGenerator(3, budget=0.05, blocks=3, width=8), rng()
    first, second = generator(batch.x, draws), generator(batch.x, draws)
    assert not torch.equal(first, second)
    assert torch.equal(first, generator(batch.x, rng()))


def test_without_a_budget_views_are_the_image(photos, rng):
    _, batch = photos
    assert torch.equal(ViewGenerator(3, budget=0.0, blocks=1, width=8)(batch.x, rng()), batch.x)
    with pytest.raises(ValueError, match="must not be negative, it is -1"):
        ViewGenerator(3, budget=-1.0, blocks=1, width=8)
    with pytest.raises(ValueError, match="at least 5 pixels a side, these are 4×8"):
        ViewGenerator(1, budget=0.1, blocks=1, width=8)(torch.rand(2, 1, 4, 8), rng())


def test_a_missing_pixel_stays_missing_and_hurts_nobody(photos, rng):
    _, batch = photos
    x = batch.x.clone()
    x[:, :, :4] = torch.nan
    view = ViewGenerator(3, budget=0.05, blocks=1, width=8)(x, rng())
    assert torch.equal(view.isnan(), x.isnan())


@pytest.mark.parametrize(("player", "way"), [("generator", 1), ("encoder", -1)])
def test_a_step_of_the_generator_raises_the_loss_and_one_of_the_encoder_lowers_it(player, way, photos, made, one_step):
    _, batch = photos
    method = made("viewmaker", photos, blocks=1, generator_width=8).eval()
    assert way * one_step(method, batch, player) > 0


def test_probes_see_clean_images(photos, made):
    _, batch = photos
    method = made("viewmaker", photos, blocks=1, generator_width=8).eval()
    assert torch.equal(method.embed(batch)["backbone"], method.encoder(batch.x))
