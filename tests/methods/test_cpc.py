"""CPC: candidates, the value at the start, and that it finds no order where there is none."""

import math

import pytest
import torch

from diptych.parts.predictive import Predictive


def naive(predictive, z, alive, ids):
    """The loss, one prediction at a time."""
    context, losses = predictive.memory(z)[0], []
    for k, predict in enumerate(predictive.predict, start=1):
        terms = []
        for i in range(len(z)):
            for t in range(z.shape[1] - k):
                if not alive[i, t + k]:
                    continue
                predicted = predict(context[i, t])
                pairs = [(i, t + k)]
                pairs += [(j, t + k) for j in range(len(z)) if ids[j] != ids[i] and alive[j, t + k]]
                pairs += [(i, s) for s in range(k, z.shape[1]) if s != t + k and alive[i, s]]
                logits = torch.stack([predicted @ z[j, s] for j, s in pairs])
                terms.append(logits.logsumexp(0) - logits[0])
        losses.append(torch.stack(terms).mean())
    return torch.stack(losses).mean()


def test_the_loss_equals_its_sum():
    torch.manual_seed(0)
    predictive, z = Predictive(5, hidden=7, ahead=3), torch.randn(4, 6, 5)
    alive = torch.ones(4, 6, dtype=torch.bool)
    alive[2, 3:] = False
    ids = torch.tensor([0, 1, 1, 2])
    torch.testing.assert_close(predictive((z, alive), ids), naive(predictive, z, alive, ids))


def test_it_starts_at_the_log_of_the_number_of_candidates(strokes, made, rng):
    facts, _ = strokes
    generator = rng(1)
    x = torch.randn(64, 64, 4, generator=generator)
    batch = strokes[1].take(torch.arange(64)).with_x(x)
    method = made("cpc", (facts | {"shape": [64, 4]}, batch))
    states = 64 // 8 + 1
    expected = sum(math.log(64 + states - k - 1) for k in (1, 2)) / 2
    assert len(method.predictive.predict) == 2
    assert method.loss(batch, generator).item() == pytest.approx(expected, rel=0.05)


def test_noise_has_no_order_to_be_found():
    """Fresh noise in every step: nothing that was learnt tells the next state from others."""
    torch.manual_seed(0)
    predictive, generator = Predictive(4, hidden=16, ahead=1), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(predictive.parameters(), lr=1e-2)
    alive, losses = torch.ones(16, 8, dtype=torch.bool), []
    for _ in range(80):
        loss = predictive((torch.randn(16, 8, 4, generator=generator), alive), torch.arange(16))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-30:]) / 30 > 0.97 * math.log(16 + 7 - 1)


def test_a_walk_has():
    torch.manual_seed(0)
    predictive, generator = Predictive(4, hidden=16, ahead=1), torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(predictive.parameters(), lr=1e-2)
    alive, losses = torch.ones(16, 8, dtype=torch.bool), []
    for _ in range(80):
        walk = torch.randn(16, 8, 4, generator=generator).cumsum(1)
        loss = predictive((walk, alive), torch.arange(16))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-30:]) / 30 < 0.85 * math.log(16 + 7 - 1)


def test_the_read_out_is_the_mean_context(strokes, made):
    _, batch = strokes
    method = made("cpc", strokes).eval()
    with torch.no_grad():
        z, alive = method.encoder.steps(batch.x)
        contexts = method.predictive.memory(z)[0]
        expected = torch.stack([c[a].mean(0) for c, a in zip(contexts, alive, strict=True)])
        torch.testing.assert_close(method.embed(batch)["backbone"], expected)
