"""TS-TCC: what the temporal contrast starts at, what it can reach, what it may not see."""

import math

import pytest
import torch

from diptych.parts.steps import states
from diptych.parts.temporal_contrast import TemporalContrast


def contrast(dim=6, ahead=3):
    torch.manual_seed(0)
    return TemporalContrast(dim, hidden=32, depth=1, heads=4, ahead=ahead)


def alive(z):
    return torch.ones(z.shape[:2], dtype=torch.bool)


def test_the_temporal_loss_starts_at_the_log_of_the_batch(strokes, made, rng):
    _, batch = strokes
    method = made("ts_tcc", strokes).train()
    with torch.no_grad():
        weak, strong = (states(method.encoder, view.x) for view in method.view(batch, rng()))
        loss = method.temporal(method.temporal.context(weak, 0), strong, 0, batch.key)
    assert loss.item() == pytest.approx(math.log(128), rel=0.1)


def test_a_determined_future_is_predicted_by_a_linear_encoder():
    """Sinusoids of random phase: a step's four delays tell all that comes."""
    generator = torch.Generator().manual_seed(0)
    phase = 6.28 * torch.rand(32, 1, generator=generator)
    wave = torch.sin(phase + 0.5 * torch.arange(23))
    linear, temporal = torch.nn.Linear(4, 6), contrast()
    optimiser = torch.optim.Adam([*linear.parameters(), *temporal.parameters()], lr=1e-2)
    for _ in range(120):
        z = linear(wave.unfold(1, 4, 1))  # [32, 20, 6]
        now = temporal.moment((z, alive(z)), generator)
        loss = temporal(temporal.context((z, alive(z)), now), (z, alive(z)), now, torch.arange(32))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.75 * math.log(32)


def test_a_context_knows_the_past_of_its_series_alone():
    temporal, z = contrast().eval(), torch.randn(5, 12, 6)
    context = temporal.context((z, alive(z)), 6)
    future, other = z.clone(), z.clone()
    future[:, 7:] = 9.0
    other[1:] = 9.0
    assert torch.equal(temporal.context((future, alive(z)), 6), context)
    torch.testing.assert_close(temporal.context((other, alive(z)), 6)[0], context[0])
    past = z.clone()
    past[:, 3] = 9.0
    assert not torch.allclose(temporal.context((past, alive(z)), 6), context)


def test_series_that_ended_are_neither_targets_nor_negatives():
    temporal, z = contrast().eval(), torch.randn(8, 12, 6)
    inside = alive(z)
    inside[4:, 7:] = False
    context = temporal.context((z, inside), 6)
    loss = temporal(context, (z, inside), 6, torch.arange(8))
    torch.testing.assert_close(loss, temporal(context[:4], (z[:4], inside[:4]), 6, torch.arange(4)))
    inside[1:, 7:] = False  # one that goes on has nothing to be told from
    assert temporal(context, (z, inside), 6, torch.arange(8)) == 0


def test_two_fifths_of_the_states_lie_ahead(strokes, made):
    facts, _ = strokes
    for steps, ahead in ((16, 1), (128, 7), (1, 1)):
        method = made("ts_tcc", (facts | {"shape": [steps, 4]}, strokes[1]))
        assert len(method.temporal.predict) == ahead
    drawn = {
        contrast(ahead=7).moment((torch.zeros(2, 18, 6), None), torch.Generator().manual_seed(s)) for s in range(99)
    }
    assert drawn == set(range(11))  # 0 … T' − K − 1


def test_it_needs_an_encoder_that_keeps_time(strokes, made):
    with pytest.raises(TypeError, match=r"ts_tcc needs an encoder with states over time \(steps\); Dilated has none"):
        made("ts_tcc", strokes, encoder={"name": "dilated"})
