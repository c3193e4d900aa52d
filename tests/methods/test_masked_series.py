"""Masked reconstruction: which values are hidden, what the encoder sees, what is compared."""

import pytest
import torch

from diptych.methods import masked_series
from diptych.parts.masked_series import geometric_mask


def test_hidden_runs_have_their_share_and_length(rng):
    hidden = geometric_mask(torch.zeros(400, 300, 2), rng(), rate=0.15, span=3.0)
    assert hidden.float().mean().item() == pytest.approx(0.15, abs=0.005)
    starts = (hidden[:, 1:] & ~hidden[:, :-1]).sum()
    assert (hidden[:, 1:].sum() / starts).item() == pytest.approx(3.0, abs=0.1)
    ends = (hidden[:, :-2] & ~hidden[:, 1:-1] & hidden[:, 2:]).sum()  # gaps of one step are as short as chance has it
    assert 0 < ends < starts * 0.1
    assert not torch.equal(hidden[..., 0], hidden[..., 1])  # each channel its own


def test_the_error_is_that_of_hidden_values_that_were_there(strokes, made, rng, monkeypatch):
    _, batch = strokes
    method, seen = made("masked_series", strokes).eval(), []
    method.encoder.dropout.p = 0.0
    chosen = torch.rand(batch.x.shape, generator=rng(1)) < 0.3
    monkeypatch.setattr(masked_series, "geometric_mask", lambda x, generator, rate, span: chosen)
    method.values.register_forward_hook(lambda module, inputs, out: seen.append((inputs[0], out)))
    loss = method.loss(batch, rng())
    (h, values), hidden = seen[0], chosen & ~batch.x.isnan()
    torch.testing.assert_close(h, method.encoder.steps(batch.x.masked_fill(hidden, 0.0))[0])
    torch.testing.assert_close(loss, (values - batch.x)[hidden].square().mean())


def test_it_learns_to_fill_in(strokes, made, descend):
    batch = strokes[1].take(torch.arange(48))
    method = made("masked_series", strokes, encoder={"dim": 32, "depth": 1, "heads": 4})
    losses = descend(method, batch, 60, lr=1e-2)
    assert sum(losses[-10:]) / 10 < 0.85  # the variance of the values, which is what their mean would leave, is 1


def test_it_needs_a_state_for_each_step(strokes, made):
    with pytest.raises(
        TypeError, match="masked_series needs an encoder with a state for each step; SeriesConv has none"
    ):
        made("masked_series", strokes, encoder={"name": "series_conv"})
    with pytest.raises(ValueError, match=r"mask_rate must lie in \(0, 1\)"):
        made("masked_series", strokes, mask_rate=1.0)
