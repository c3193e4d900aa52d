"""What methods keep between steps: queues, banks, targets."""

import math

import pytest
import torch
from torch import nn

from diptych.parts.bank import Bank, Normaliser
from diptych.parts.queue import Queue
from diptych.parts.target import Target, rising, targets


def test_a_queue_forgets_the_oldest_and_wraps():
    queue = Queue(5, 2)
    for step in range(3):
        queue.enqueue(torch.full((2, 2), step + 1.0), torch.tensor([2 * step, 2 * step + 1]))
    assert queue.keys.tolist() == [5, 1, 2, 3, 4]
    assert torch.allclose(queue.rows.norm(dim=1), torch.ones(5))
    queue.enqueue(torch.rand(9, 2), torch.arange(10, 19))
    assert sorted(queue.keys.tolist()) == [14, 15, 16, 17, 18]


def test_notes_of_a_queue_stay_beside_their_rows():
    queue = Queue(3, 2, notes=2)
    for step in range(2):
        queue.enqueue(
            torch.full((2, 2), step + 1.0), torch.tensor([10, 11]) + step, torch.tensor([[5, 0], [5, 1]]) + step
        )
    assert queue.keys.tolist() == [12, 11, 11]
    assert queue.notes.tolist() == [[6, 2], [5, 1], [6, 1]]
    queue.enqueue(torch.rand(5, 2), torch.arange(5), torch.arange(10).view(5, 2))
    assert (queue.notes[:, 0] == 2 * queue.keys).all()
    assert "notes" in queue.state_dict()
    assert "notes" not in Queue(3, 2).state_dict()


def test_the_nearest_row_is_never_of_the_same_object():
    queue = Queue(3, 2)
    queue.enqueue(torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), torch.tensor([7, 8, 9]))
    z, key = torch.tensor([[1.0, 0.1], [1.0, 0.1]]), torch.tensor([7, 1])
    found = queue.nearest(z, key)
    assert torch.allclose(found[0], queue.rows[queue.keys == 8][0])
    assert torch.allclose(found[1], queue.rows[queue.keys == 7][0])


def test_a_bank_follows_its_samples_on_the_sphere():
    bank, z = Bank(4, 3), torch.tensor([[0.0, 0.0, 5.0]])
    before = bank.rows.clone()
    for _ in range(20):
        bank.update(torch.tensor([2]), z, momentum=0.5)
    assert torch.allclose(bank.rows[2], z[0] / 5, atol=1e-4)
    assert torch.equal(bank.rows[[0, 1, 3]], before[[0, 1, 3]])
    assert bank.objects(torch.tensor([2]), torch.tensor([9])).tolist() == [-1, -2, 9, -4]


def test_the_normaliser_is_that_of_the_first_batch():
    normalised = Normaliser(100)
    scores = torch.randn(8, 5)
    log_z = math.log(100) + scores[:, 1:].exp().mean().log().item()
    assert torch.allclose(normalised(scores), scores - log_z)
    assert torch.allclose(normalised(scores + 3), scores + 3 - log_z)


def test_a_target_follows_without_gradient():
    online = nn.Linear(3, 2)
    target = Target(online)
    start = online.weight.detach().clone()
    with torch.no_grad():
        online.weight.add_(1.0)
    assert torch.equal(target.network.weight, start)
    target.follow(online, 0.75)
    assert torch.allclose(target.network.weight, start + 0.25)
    assert not target(torch.rand(4, 3)).requires_grad
    assert targets(nn.ModuleDict({"a": online, "b": target})) == ("b.",)


@pytest.mark.parametrize(("progress", "wanted"), [(0.0, 0.99), (0.5, 0.995), (1.0, 1.0)])
def test_momentum_rises_to_one(progress, wanted):
    assert rising(0.99, progress) == pytest.approx(wanted)
