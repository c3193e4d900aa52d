"""TS2Vec's objective against loops in float64, its worked value and its errors."""

import math

import numpy as np
import pytest
import torch

from diptych.parts.objectives._precision import gram
from diptych.parts.objectives.hierarchical import hierarchical, instance, temporal


def naive_hierarchical(z1, z2, alpha, extra=lambda rows: rows[:0]):
    """Yue et al., equations 1 to 3, one term at a time; `extra` makes further negatives [e, d] of rows [k, d]."""
    levels = []
    while True:
        n, t, _ = z1.shape
        inst = [naive_dot(z1[:, s], z2[:, s], extra) for s in range(t)] if n > 1 else [0.0]
        temp = [naive_dot(z1[i], z2[i], extra) for i in range(n)] if t > 1 else [0.0]
        levels.append(alpha * np.mean(inst) + (1 - alpha) * np.mean(temp))
        if t == 1:
            return np.mean(levels)
        z1, z2 = (z[:, : t // 2 * 2].reshape(n, t // 2, 2, -1).max(2) for z in (z1, z2))


def naive_dot(a, b, extra):
    rows, k = np.concatenate([a, b]), len(a)
    made_up = np.concatenate([extra(a), extra(b)])
    terms = []
    for i in range(2 * k):
        total = sum(math.exp(rows[i] @ rows[j]) for j in range(2 * k) if j != i)
        total += sum(math.exp(rows[i] @ row) for row in made_up)
        terms.append(math.log(total) - rows[i] @ rows[(i + k) % (2 * k)])
    return np.mean(terms)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("n", "t"), [(1, 7), (2, 1), (3, 2), (4, 9), (8, 5)])
def test_hierarchical_equals_a_loop(n, t, alpha):
    z1, z2 = np.random.default_rng(0).normal(size=(2, n, t, 4))
    found = hierarchical(torch.from_numpy(z1), torch.from_numpy(z2), alpha=alpha).item()
    assert found == pytest.approx(naive_hierarchical(z1, z2, alpha), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.8, 1.0])
@pytest.mark.parametrize(("n", "t"), [(1, 7), (2, 1), (3, 2), (4, 9)])
def test_further_negatives_equal_a_loop_and_raise_the_loss(n, t, alpha):
    z1, z2 = np.random.default_rng(0).normal(size=(2, n, t, 4))
    first, second = torch.from_numpy(z1), torch.from_numpy(z2)
    found = hierarchical(first, second, alpha=alpha, extra=lambda z: 0.2 * z + 0.8 * z.roll(1, 1))
    naive = naive_hierarchical(z1, z2, alpha, lambda rows: 0.2 * rows + 0.8 * np.roll(rows, 1, 0))
    assert found.item() == pytest.approx(naive, rel=1e-9, abs=1e-12)
    plain = hierarchical(first, second, alpha=alpha)
    assert found > plain or plain == 0  # with one series, or one step, there may be no term


def test_hierarchical_of_zeros():
    z = torch.zeros(4, 8, 3, dtype=torch.float64)
    assert hierarchical(z, z).item() == pytest.approx(1.692026654, abs=1e-9)  # the catalogue's worked value
    assert instance(z, z).item() == pytest.approx(math.log(7))
    assert temporal(z, z).item() == pytest.approx(math.log(15))


def test_hierarchical_prefers_identical_crops():
    z = torch.from_numpy(np.random.default_rng(1).normal(size=(8, 16, 6)))
    assert hierarchical(z, z) < hierarchical(z, z[torch.randperm(8)]) - 0.5
    assert hierarchical(z, z) < hierarchical(z, z.flip(1)) - 0.5


def test_hierarchical_gradient_and_errors():
    z1, z2 = (z.requires_grad_() for z in torch.from_numpy(np.random.default_rng(2).normal(size=(2, 2, 3, 4))))
    assert torch.autograd.gradcheck(hierarchical, (z1, z2))
    with pytest.raises(ValueError, match=r"\[2, 3, 4\] and \[2, 2, 4\]"):
        hierarchical(z1, z2[:, :2])
    with pytest.raises(ValueError, match="t ≥ 1"):
        hierarchical(z1[:, :0], z2[:, :0])


def test_gradient_of_a_gram_matrix():
    z = torch.from_numpy(np.random.default_rng(4).normal(size=(2, 3, 4))).requires_grad_()
    weight = torch.from_numpy(np.random.default_rng(5).normal(size=(2, 3, 3)))
    assert torch.autograd.gradcheck(lambda z: (gram(z) * weight).sum(), z)


def test_hierarchical_runs_in_float32():
    z1, z2 = (z for z in torch.from_numpy(np.random.default_rng(3).normal(size=(2, 4, 8, 16))).bfloat16())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = hierarchical(z1, z2)
    assert lowered.dtype == torch.float32
    assert lowered == hierarchical(z1.float(), z2.float())
