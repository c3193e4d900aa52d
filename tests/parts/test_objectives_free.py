"""Special cases of the losses without negatives, of codes, alignment and uniformity, and reconstruction."""

import math

import oracles
import pytest
import torch
from objective_cases import drawn, equal, pair
from torch.nn import functional as F

from diptych.parts.objectives import (
    alignment,
    barlow_twins,
    byol,
    mae,
    negative_cosine,
    sinkhorn,
    swapped_prediction,
    swav,
    uniformity,
    unit,
    vicreg,
)

HADAMARD = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)  # orthogonal columns


def test_byol_is_four_and_four_times_simsiam_and_bounded():
    p1, p2, z1, z2 = *pair(8), *pair(8, 5)
    equal(byol(p1, p2, z1, z2), 4 + 4 * negative_cosine(p1, p2, z1, z2))
    equal(byol(p1, p2, p2, p1), 0.0)
    equal(negative_cosine(p1, p2, p2, p1), -1.0)
    equal(byol(p1, p2, -p2, -p1), 8.0)


def test_barlow_twins_of_perfect_views_and_of_moved_columns():
    z = HADAMARD * 1e3  # beside it the 1e-5 of the normalisation vanishes
    equal(barlow_twins(z, z, off_diagonal_weight=0.0051), 0.0)
    z1, z2 = (1e3 * z for z in pair(8))
    moved = z2 * torch.tensor([1.0, 2, 3, 4, 5]) + torch.tensor([5.0, -4, 3, -2, 1])
    equal(barlow_twins(z1, moved, off_diagonal_weight=0.5), barlow_twins(z1, z2, off_diagonal_weight=0.5), 1e-9)


def test_vicreg_of_perfect_views():
    z = HADAMARD * math.sqrt(3 / 4)  # unbiased variance 1
    equal(vicreg(z, z, invariance=25.0, variance=25.0, covariance=1.0), 0.0)
    found = vicreg(z, z + 2, invariance=25.0, variance=25.0, covariance=1.0)
    equal(found, 100.0)  # a shift costs by invariance alone


def test_sinkhorn_is_the_published_listing_and_balances():
    scores = unit(drawn(32, 8)) @ unit(drawn(12, 8, 1)).mT  # [32, 12]
    codes = sinkhorn(scores, epsilon=0.05, iterations=3)
    equal(codes, oracles.codes(scores.numpy(), 0.05, 3))
    for rounds in (1, 3, 500):
        equal(sinkhorn(scores, epsilon=0.05, iterations=rounds).sum(1), torch.ones(32))
    equal(sinkhorn(scores, epsilon=0.05, iterations=500).sum(0), torch.full((12,), 32 / 12), 1e-6)
    sharp = sinkhorn(scores.half() * 10, epsilon=0.01, iterations=3)
    assert sharp.dtype == torch.float32
    equal(sharp.sum(1), torch.ones(32), 1e-3)


def test_swav_of_equal_scores_and_its_stop_gradient():
    scores = [torch.full((6, 5), 0.3, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    settings = {"temperature": 0.1, "epsilon": 0.05, "iterations": 3}
    equal(swav(scores, **settings, assign=[0, 1]), math.log(5))
    swav(scores, **settings, assign=[0]).backward()
    assert [crop.grad is None for crop in scores] == [True, False, False]


def test_swapped_prediction_with_codes_of_more_samples():
    scores = [drawn(6, 5, seed) for seed in range(3)]
    codes = {i: sinkhorn(torch.cat([drawn(20, 5, 9), scores[i]]), epsilon=0.5, iterations=3)[-6:] for i in (0, 1)}
    found = swapped_prediction(scores, codes, temperature=0.5)
    crossed = [F.cross_entropy(scores[v] / 0.5, codes[i]) for i in (0, 1) for v in range(3) if v != i]
    equal(found, torch.stack(crossed).mean())
    plain = {i: sinkhorn(scores[i], epsilon=0.5, iterations=3) for i in (0, 1)}
    whole = swav(scores, temperature=0.5, epsilon=0.5, iterations=3, assign=(0, 1))
    equal(swapped_prediction(scores, plain, temperature=0.5), whole)


def test_alignment_and_uniformity_on_the_sphere():
    z1, z2 = pair(16)
    equal(alignment(z1, z2), 2 - 2 * F.cosine_similarity(z1, z2).mean())
    equal(alignment(z1, z1), 0.0)
    equal(uniformity(torch.tensor([[1.0, 0], [-1, 0]], dtype=torch.float64)), -8.0)
    assert -8 <= uniformity(z1) <= 0


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_alignment_of_equal_rows_has_a_finite_gradient(alpha):
    z = torch.ones(4, 3, requires_grad=True)
    alignment(z, z.detach().clone(), alpha=alpha).backward()
    assert z.grad.isfinite().all()


def test_mae_perfect_and_ignorant():
    target, mask = drawn(24, 12).reshape(4, 6, 12) * 100, torch.ones(4, 6)
    assert mae(target, target, mask=mask, normalise=False) == 0
    equal(mae(target * 0, target, mask=mask, normalise=True), 11 / 12, 1e-8)
    flat = torch.ones(4, 6, 12)  # constant patches become 0
    assert mae(flat * 0, flat, mask=mask, normalise=True) == 0


def test_mae_looks_at_removed_patches_only():
    target, mask = torch.zeros(2, 3, 4), torch.tensor([[1, 0, 0], [1, 1, 0]])
    predicted = torch.where(mask.bool()[..., None], 2.0, torch.inf).expand(2, 3, 4)
    assert mae(predicted, target, mask=mask, normalise=False) == 4
