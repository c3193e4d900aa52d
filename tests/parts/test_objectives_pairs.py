"""Special cases of the losses on distances: pairs, triplets, lifted structure, neighbours, N-pair, ExpCLR."""

import math

import oracles
import pytest
import torch
from objective_cases import drawn, equal, pair
from torch.nn import functional as F

from diptych.parts.objectives import (
    contrastive_pair,
    expclr,
    info_nce,
    lifted_structure,
    lifted_structure_generalised,
    n_pair,
    soft_nearest_neighbour,
    triplet,
    triplet_batch_all,
    triplet_batch_hard,
    triplet_semi_hard,
    unit,
)

LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 2, 0])
MINED = (triplet_batch_all, triplet_batch_hard, triplet_semi_hard)


def test_soft_nearest_neighbour_of_one_class_and_of_a_point():
    equal(soft_nearest_neighbour(drawn(6), labels=torch.zeros(6), temperature=0.5), 0.0)
    collapsed, labels = torch.ones(12, 4, dtype=torch.float64), torch.arange(12) % 3
    equal(soft_nearest_neighbour(collapsed, labels=labels, temperature=0.5), math.log(11 / 3))


def test_contrastive_pair_values_and_gradient():
    zero, far = torch.zeros(1, 3), torch.tensor([[0.0, 3.0, 4.0]], requires_grad=True)
    same, different = torch.tensor([True]), torch.tensor([0])
    assert contrastive_pair(zero, zero, same=same) == 0
    assert contrastive_pair(zero, zero, same=different, margin=3.0) == 4.5
    assert contrastive_pair(zero, far, same=same) == 12.5
    satisfied = contrastive_pair(zero, far, same=different)
    satisfied.backward()
    assert satisfied == 0
    assert not far.grad.any()


@pytest.mark.parametrize("squared", [False, True])
def test_triplets_collapsed_and_satisfied(squared):
    collapsed, far = torch.ones(8, 5, dtype=torch.float64), F.one_hot(LABELS).double() * 10
    for mined in MINED:
        assert mined(collapsed, labels=LABELS, margin=0.2, squared=squared).item() == pytest.approx(0.2)
        assert mined(collapsed, labels=LABELS, margin=None, squared=squared).item() == pytest.approx(math.log(2))
        assert mined(far, labels=LABELS, margin=0.2, squared=squared) == 0
    assert triplet(collapsed, collapsed, collapsed, margin=0.2, squared=squared).item() == pytest.approx(0.2)
    assert triplet(far, far, far.roll(4, 0), margin=0.2, squared=squared) == 0


def test_triplet_is_that_of_torch():
    a, p, n = drawn(16), drawn(16, 5, 1), drawn(16, 5, 2)
    equal(triplet(a, p, n, margin=1.0, squared=False), F.triplet_margin_loss(a, p, n, margin=1.0, eps=0))


def test_miners_agree_where_there_is_one_triplet_for_each_anchor():
    z, labels = drawn(3), torch.tensor([0, 0, 1])
    values = [mined(z, labels=labels, margin=5.0, squared=False) for mined in MINED]
    equal(values[1], values[0])
    equal(values[2], values[0])


def test_n_pair_of_unit_vectors_is_info_nce():
    a, p = (unit(z) for z in pair(8))
    equal(n_pair(a, p, l2=0.0), info_nce(a, p, temperature=1.0))
    equal(n_pair(a, p, l2=0.01) - n_pair(a, p, l2=0.0), 0.02)


def test_lifted_structure_of_a_point():
    z, settings = torch.ones(6, 4, dtype=torch.float64), {"labels": torch.tensor([0, 0, 0, 1, 1, 1]), "margin": 1.0}
    equal(lifted_structure(z, **settings), (1 + math.log(6)) ** 2 / 2)
    equal(lifted_structure_generalised(z, **settings), math.log(2) + 1 + math.log(3))


def test_expclr_limits():
    z, features = drawn(8), drawn(8, 4)
    placed = features / torch.pdist(features).max() * 1.5
    equal(expclr(placed, features, delta=1.5, temperature=0.1), 0.0)
    far = torch.cdist(features, features) / torch.pdist(features).max()
    errors = (1.5 * far - torch.cdist(z, z)).square()
    for dtype, tolerance in ((torch.float64, 1e-6), (torch.float32, 1e-5)):
        found = expclr(z.to(dtype), features.to(dtype), delta=1.5, temperature=1e7).double()
        equal(found, errors.mean(), tolerance)
    values = [expclr(z, features, delta=1.5, temperature=t) for t in (1e-6, 0.01, 0.1, 1.0, 10.0)]
    equal(values[0], errors.max(), 1e-4)
    assert values == sorted(values, reverse=True)


def test_expclr_with_the_largest_distance_of_the_training_split():
    z, features = drawn(8), drawn(8, 4)
    found = expclr(z, features, delta=1.5, temperature=0.5, largest=20.0)
    equal(found, oracles.expclr(z.numpy(), features.numpy(), delta=1.5, temperature=0.5, largest=20.0))
    own = torch.pdist(features).max().item()
    equal(expclr(z, features, delta=1.5, temperature=0.5), expclr(z, features, delta=1.5, temperature=0.5, largest=own))


def test_equal_rows_have_a_distance_of_zero_in_float32():
    z = (drawn(8, 64) * 10).float()
    z[4:] = z[:4]  # by ‖a‖² + ‖b‖² − 2ab they would be some 0.05 apart
    found = triplet_batch_hard(z, labels=torch.arange(8) % 4, margin=1e3, squared=False)
    settings = {"labels": list(range(4)) * 2, "margin": 1e3, "squared": False}
    equal(found, oracles.triplet_batch_hard(z.double().numpy(), **settings), 1e-6)
