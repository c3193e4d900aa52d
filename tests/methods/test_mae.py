"""Masks of MAE, and where its loss looks."""

import pytest
import torch

from diptych.parts import masked_autoencoder
from diptych.parts.masked_autoencoder import random_mask, unshuffle


@pytest.mark.parametrize(("patches", "rate", "kept"), [(49, 0.75, 12), (64, 0.75, 16), (4, 0.75, 1), (4, 0.9, 1)])
def test_exactly_so_many_patches_stay(patches, rate, kept, rng):
    mask = random_mask(50, patches, rate, rng())
    assert mask.keep.shape == (50, kept)
    assert (mask.removed.sum(1) == patches - kept).all()
    assert not mask.removed.gather(1, mask.keep).any()
    assert len({tuple(sorted(row)) for row in mask.keep.tolist()}) > 1, "one mask for the whole batch"
    assert torch.equal(mask.keep, random_mask(50, patches, rate, rng()).keep)


def test_every_patch_is_hidden_equally_often(rng):
    hidden = random_mask(4000, 16, 0.75, rng()).removed.float().mean(0)
    torch.testing.assert_close(hidden, torch.full((16,), 0.75), rtol=0, atol=0.03)


def test_unshuffling_undoes_the_shuffle(rng):
    states = torch.randn(5, 9, 3)
    mask = random_mask(5, 9, 0.0, rng())  # keeps all, in shuffled order
    assert torch.equal(unshuffle(unshuffle(states, mask.keep), mask.restore), states)


def test_only_hidden_patches_that_are_there_have_a_gradient(digits, made, rng, monkeypatch):
    _, batch = digits
    method = made("mae", digits)
    masks, drawn = [], []
    monkeypatch.setattr(masked_autoencoder, "random_mask", lambda *a: masks.append(random_mask(*a)) or masks[-1])
    method.decoder.register_forward_hook(lambda *a: a[2].retain_grad() or drawn.append(a[2]))
    x = batch.x.clone()
    x[:64, :, :3] = torch.nan  # most of the two upper patches
    method.decoder.loss(method.encoder, batch.with_x(x), rng(), rate=0.75, normalise=True).backward()
    touched = drawn[0].grad != 0  # [n, L, C · patch²]
    there = torch.ones(128, 4, 16, dtype=torch.bool)
    there[:64, :2, :12] = False
    assert torch.equal(touched, masks[0].removed[..., None] & there)


@pytest.mark.parametrize("normalise", [True, False])
def test_a_missing_patch_costs_nothing(normalise, digits, made, rng):
    _, batch = digits
    method = made("mae", digits, normalise=normalise)
    nothing = batch.with_x(torch.full_like(batch.x, torch.nan))
    assert method.loss(nothing, rng()) == 0


def test_the_encoder_does_not_see_what_is_hidden(digits, made):
    _, batch = digits
    method = made("mae", digits).eval()
    lower, upper = (torch.full((128, 1), patch) for patch in (3, 1))
    changed = batch.x.clone()
    changed[:, :, :4] = 1 - changed[:, :, :4]  # the two upper patches
    tokens = method.encoder.tokens
    assert torch.equal(tokens(batch.x, lower), tokens(changed, lower))
    assert not torch.equal(tokens(batch.x, upper), tokens(changed, upper))


def test_it_beats_drawing_the_mean_of_each_patch(digits, made, descend):
    batch = digits[1].take(torch.arange(64))
    losses = descend(made("mae", digits), batch, 60, lr=2e-3)
    assert min(losses[-10:]) < 0.9 * 15 / 16  # the zero prediction of normalised targets of 16 values


def test_an_encoder_without_patches_is_refused(digits, made):
    for name in ("mae", "mae_ct"):
        with pytest.raises(TypeError, match=f"{name} needs an encoder with patches .*; Conv has none"):
            made(name, digits, encoder={"name": "conv"})
