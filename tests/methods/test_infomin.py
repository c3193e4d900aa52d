"""InfoMin: a colour space that loses nothing, drawn against the encoder."""

import pytest
import torch

from diptych.parts.colour_flow import ColourFlow, halves


def test_the_flow_is_undone_by_its_inverse():
    flow, x = ColourFlow(depth=3, hidden=16).double(), torch.rand(4, 3, 5, 6, dtype=torch.double)
    y = flow(x)
    assert not torch.allclose(x, y, atol=0.1)
    torch.testing.assert_close(flow.inverse(y), x)


def test_the_flow_keeps_the_volume():
    flow = ColourFlow(depth=2, hidden=16).double()
    for pixel in torch.rand(5, 3, dtype=torch.double):
        jacobian = torch.autograd.functional.jacobian(lambda x: flow(x[None, :, None, None]).flatten(), pixel)
        torch.testing.assert_close(jacobian.det(), torch.tensor(1.0, dtype=torch.double))


def test_views_share_no_channel():
    first, rest = halves(torch.rand(2, 3, 4, 4))
    assert torch.equal(first.isnan(), ~rest.isnan())
    assert not first[:, 0].isnan().any()


@pytest.mark.parametrize(("player", "way"), [("colours", 1), ("encoder", -1)])
def test_a_step_of_the_colours_raises_the_loss_and_one_of_the_encoder_lowers_it(player, way, photos, made, one_step):
    _, batch = photos
    method = made("infomin", photos).eval()
    assert way * one_step(method, batch, player) > 0


def test_the_embedding_holds_both_halves(photos, made):
    _, batch = photos
    method = made("infomin", photos).eval()
    z = method.embed(batch)["backbone"]
    assert z.shape == (32, 2 * method.encoder.dim)
    first, rest = halves(method.colours(batch.x))
    torch.testing.assert_close(z, torch.cat([method.encoder(first), method.encoder(rest)], 1))


def test_missing_pixels_reach_neither_loss_nor_gradient(photos, made, rng):
    _, batch = photos
    method = made("infomin", photos)
    x = batch.x.clone()
    x[torch.rand(x.shape, generator=rng()) < 0.2] = torch.nan
    loss = method.loss(batch.with_x(x), rng())
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in method.parameters())


def test_grey_images_are_refused(digits, made):
    with pytest.raises(ValueError, match="infomin splits a colour space and needs images of 3 channels; these have 1"):
        made("infomin", digits)


def test_the_embedding_does_not_turn_the_gradient_of_the_colours(photos, made):
    """Whoever trains through the embedding (fine-tuning) has both players on one side."""
    _, batch = photos
    method = made("infomin", photos).eval()
    before = method.embed(batch)["backbone"].sum()
    before.backward()
    with torch.no_grad():
        for parameter in method.colours.parameters():
            parameter += 1e-3 * parameter.grad / max(float(parameter.grad.norm()), 1e-9)
        assert method.embed(batch)["backbone"].sum() > before
