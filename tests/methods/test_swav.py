"""SwAV's queue: when it fills, what it changes, that it is kept."""

import math

import pytest
import torch

from diptych import checkpoint
from diptych.checkpoint import Checkpoint
from diptych.parts.method import Recipe
from diptych.parts.objectives.unit import unit
from diptych.train import seed_everything, train


class Cut(Exception):
    """What ends the training, in place of a kill."""


def by_hand(scores, epsilon, iterations):
    """Equations of the paper, entry by entry: rows [n, k] -> codes [n, k]."""
    n, k = len(scores), len(scores[0])
    q = [[math.exp(value / epsilon) for value in row] for row in scores]
    for _ in range(iterations):
        columns = [sum(q[i][j] for i in range(n)) * k for j in range(k)]
        q = [[q[i][j] / columns[j] for j in range(k)] for i in range(n)]
        q = [[value / sum(row) / n for value in row] for row in q]
    return [[value * n for value in row] for row in q]


def test_codes_are_balanced_over_queue_and_batch(digits, made, rng):
    method = made("swav", digits, prototypes=5, queue=12, queue_start=0.0, out_dim=8).train()
    batch = digits[1].take(torch.arange(6))
    for step in range(2):
        method.loss(batch, rng(step))
        method.after_step(batch, 0.5)
    assert all(queue.full for queue in method.prototypes.queues)
    earlier = [queue.rows.clone() for queue in method.prototypes.queues]
    found = method.loss(batch, rng(9)).item()
    with torch.no_grad():
        z = [torch.nn.functional.normalize(method.projected(v), dim=1) for v in method.view(batch, rng(9))]
        scores = [(crop @ method.prototypes.before.T).double().tolist() for crop in z]
        queued = [(rows @ method.prototypes.before.T).double().tolist() for rows in earlier]
    terms = []
    for i in (0, 1):
        codes = by_hand(queued[i] + scores[i], 0.05, 3)[-6:]
        for v in (v for v in range(len(z)) if v != i):
            for row, code in zip(scores[v], codes, strict=True):
                total = sum(math.exp(value / 0.1) for value in row)
                terms.append(-sum(c * math.log(math.exp(s / 0.1) / total) for c, s in zip(code, row, strict=True)))
    assert found == pytest.approx(sum(terms) / len(terms), rel=1e-4)
    alone = [by_hand(scores[i], 0.05, 3) for i in (0, 1)]
    assert alone[0][0] != pytest.approx(by_hand(queued[0] + scores[0], 0.05, 3)[-6], rel=1e-2)


def test_the_queue_fills_after_its_start_and_counts_when_full(digits, made, rng):
    queued, plain = (made("swav", digits, queue=size, queue_start=0.5).train() for size in (12, 0))
    plain.load_state_dict({k: v for k, v in queued.state_dict().items() if not k.startswith("prototypes.queues.")})
    batch, same = digits[1].take(torch.arange(6)), []
    for progress in (0.1, 0.4, 0.6, 0.7):
        same.append(bool(queued.loss(batch, rng(1)) == plain.loss(batch, rng(1))))
        queued.after_step(batch, progress)
        plain.after_step(batch, progress)
    assert same == [True] * 4
    first, second = queued.prototypes.queues
    assert first.keys.tolist() == [*range(6)] * 2
    assert not torch.equal(first.rows, second.rows)
    first.rows.copy_(unit(torch.randn(first.rows.shape, generator=rng(2))))  # an untrained encoder's are all alike
    assert abs(queued.loss(batch, rng(1)) - plain.loss(batch, rng(1))) > 1e-3


def test_the_queue_survives_a_cut(digits, made, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "SECONDS", 0)

    def run(kept=None, steps=0):
        rng, method, seen = seed_everything(3, "cpu"), made("swav", digits, queue=32, queue_start=0.3), []
        plain = method.after_step

        def after_step(batch, progress):
            plain(batch, progress)
            seen.append(progress)
            if len(seen) == steps:
                raise Cut

        method.after_step = after_step
        return method, train(method, digits[1], Recipe(steps=8, batch_size=16), rng, kept)

    whole, history = run()
    with pytest.raises(Cut):
        run(Checkpoint(tmp_path / "c", "this"), 6)
    resumed, again = run(Checkpoint(tmp_path / "c", "this"))
    assert again.loss == history.loss
    assert all(torch.equal(value, resumed.state_dict()[key]) for key, value in whole.state_dict().items())
