"""Objectives against plain loops in float64, the identities of their papers, and their errors."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from torch import Tensor

from diptych.parts.objectives.alignment_uniformity import alignment, uniformity
from diptych.parts.objectives.clip import clip
from diptych.parts.objectives.decoupled_info_nce import decoupled_info_nce
from diptych.parts.objectives.hierarchical import hierarchical, instance, temporal
from diptych.parts.objectives.info_nce import info_nce
from diptych.parts.objectives.nt_xent import nt_xent

SIZES = (2, 3, 8, 65)
TEMPERATURES = (0.05, 0.5, 1.0)
ONE_TEMPERATURE = {"nt_xent": nt_xent, "info_nce": info_nce, "decoupled_info_nce": decoupled_info_nce}


def cosine(u, v):
    return float(u @ v / (np.linalg.norm(u) * np.linalg.norm(v)))


def naive_nt_xent(z1, z2, temperature, ids):
    rows, n = np.concatenate([z1, z2]), len(z1)
    terms = []
    for i in range(2 * n):
        partner = (i + n) % (2 * n)
        others = [k for k in range(2 * n) if k == partner or (k != i and ids[k % n] != ids[i % n])]
        total = sum(math.exp(cosine(rows[i], rows[k]) / temperature) for k in others)
        terms.append(math.log(total) - cosine(rows[i], rows[partner]) / temperature)
    return np.mean(terms)


def naive_info_nce(query, key, temperature, ids, own=True):
    terms = []
    for i in range(len(query)):
        others = [j for j in range(len(key)) if (own and j == i) or ids[j] != ids[i]]
        total = sum(math.exp(cosine(query[i], key[j]) / temperature) for j in others)
        terms.append(math.log(total) - cosine(query[i], key[i]) / temperature)
    return np.mean(terms)


def naive_clip(z1, z2, temperature, ids):
    return (naive_info_nce(z1, z2, temperature, ids) + naive_info_nce(z2, z1, temperature, ids)) / 2


NAIVE = {
    "nt_xent": naive_nt_xent,
    "info_nce": naive_info_nce,
    "decoupled_info_nce": lambda *inputs: naive_info_nce(*inputs, own=False),
    "clip": naive_clip,
}
OBJECTIVES = ONE_TEMPERATURE | {
    "clip": lambda z1, z2, *, temperature, ids=None: clip(z1, z2, logit_scale=1 / temperature, ids=ids)
}


def pair(n, d=5, seed=0):
    rng = np.random.default_rng([n, d, seed])
    return rng.normal(size=(n, d)), rng.normal(size=(n, d))


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_equals_a_loop(name, n, temperature):
    z1, z2 = pair(n)
    expected = NAIVE[name](z1, z2, temperature, range(n))
    double = OBJECTIVES[name](torch.from_numpy(z1), torch.from_numpy(z2), temperature=temperature)
    single = OBJECTIVES[name](torch.from_numpy(z1).float(), torch.from_numpy(z2).float(), temperature=temperature)
    assert double.item() == pytest.approx(expected, rel=1e-9)
    assert single.item() == pytest.approx(expected, rel=1e-4 if temperature < 0.2 else 1e-5, abs=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_rows_of_one_object_are_no_negatives(name):
    z1, z2 = pair(8)
    ids = [0, 1, 2, 1, 4, 4, 4, 7]
    expected = NAIVE[name](z1, z2, 0.5, ids)
    inputs = torch.from_numpy(z1), torch.from_numpy(z2)
    assert OBJECTIVES[name](*inputs, temperature=0.5, ids=torch.tensor(ids)).item() == pytest.approx(expected, rel=1e-9)
    distinct = OBJECTIVES[name](*inputs, temperature=0.5, ids=torch.arange(8) * 3)
    assert distinct == OBJECTIVES[name](*inputs, temperature=0.5)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_collapsed_values(temperature):
    z = torch.ones(8, 5, dtype=torch.float64)
    found = {name: objective(z, z, temperature=temperature).item() for name, objective in OBJECTIVES.items()}
    expected = {
        "nt_xent": math.log(15),
        "info_nce": math.log(8),
        "decoupled_info_nce": math.log(7),
        "clip": math.log(8),
    }
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_orthonormal_values(temperature):
    z, e = torch.eye(8, dtype=torch.float64), math.exp(-1 / temperature)
    found = {name: objective(z, z, temperature=temperature).item() for name, objective in OBJECTIVES.items()}
    expected = {
        "nt_xent": math.log1p(14 * e),
        "info_nce": math.log1p(7 * e),
        "decoupled_info_nce": math.log(7) - 1 / temperature,
        "clip": math.log1p(7 * e),
    }
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_order_and_length_do_not_matter(name):
    z1, z2 = (torch.from_numpy(z) for z in pair(9))
    value = OBJECTIVES[name](z1, z2, temperature=0.3)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(OBJECTIVES[name](z1[order], z2[order], temperature=0.3), value)
    lengths = torch.linspace(0.1, 30, 9, dtype=torch.float64)[:, None]
    torch.testing.assert_close(OBJECTIVES[name](z1 * lengths, z2 / lengths, temperature=0.3), value)


def test_nt_xent_and_clip_are_symmetric_and_info_nce_is_not():
    z1, z2 = (torch.from_numpy(z) for z in pair(9))
    symmetric = {n: math.isclose(o(z1, z2, temperature=0.3), o(z2, z1, temperature=0.3)) for n, o in OBJECTIVES.items()}
    assert symmetric == {"nt_xent": True, "info_nce": False, "decoupled_info_nce": False, "clip": True}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_aligned_views_beat_shuffled_ones(name):
    z1, noise = (torch.from_numpy(z) for z in pair(32))
    z2 = z1 + 0.1 * noise
    assert OBJECTIVES[name](z1, z2, temperature=0.5) < OBJECTIVES[name](z1, z2.roll(1, 0), temperature=0.5) - 1


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_info_nce_is_softplus_of_its_decoupled_form(temperature):
    angle = torch.arange(7, dtype=torch.float64) * 2 * math.pi / 7  # on a circle every row has the same loss
    z1, z2 = (torch.stack([(angle + turn).cos(), (angle + turn).sin()], 1) for turn in (0, 0.3))
    decoupled = decoupled_info_nce(z1, z2, temperature=temperature)
    torch.testing.assert_close(info_nce(z1, z2, temperature=temperature), torch.nn.functional.softplus(decoupled))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradient_is_right(name):
    z1, z2 = (torch.from_numpy(z).requires_grad_() for z in pair(3, 4))
    assert torch.autograd.gradcheck(lambda a, b: OBJECTIVES[name](a, b, temperature=0.5), (z1, z2))


@pytest.mark.parametrize("kind", ["zero", "identical", "huge", "tiny"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_extreme_inputs_have_finite_gradients(name, kind):
    z1, z2 = (torch.from_numpy(z).float() for z in pair(8))
    change = {"zero": lambda z: z * 0, "identical": lambda z: z[:1].repeat(8, 1), "huge": 1e15, "tiny": 1e-15}[kind]
    z1, z2 = ((change(z) if callable(change) else z * change).requires_grad_() for z in (z1, z2))
    loss = OBJECTIVES[name](z1, z2, temperature=0.01)
    loss.backward()
    assert loss.isfinite()
    assert z1.grad.isfinite().all()
    assert z2.grad.isfinite().all()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_loss_is_float32_under_autocast(name):
    z1, z2 = (torch.from_numpy(z).float() for z in pair(65, 32))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = OBJECTIVES[name](z1, z2, temperature=0.05)
    assert lowered.dtype == torch.float32
    assert lowered == OBJECTIVES[name](z1, z2, temperature=0.05)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_errors_say_what_is_wrong(name):
    z = torch.randn(4, 3)
    with pytest.raises(ValueError, match=r"batch of 1 has no negatives"):
        OBJECTIVES[name](z[:1], z[:1], temperature=0.5)
    with pytest.raises(ValueError, match=r"\[4, 3\] and \[3, 3\]"):
        OBJECTIVES[name](z, z[:3], temperature=0.5)
    with pytest.raises(ValueError, match=r"both be \[n, d\]"):
        OBJECTIVES[name](z[None], z[None], temperature=0.5)
    with pytest.raises(ValueError, match=r"ids must name each of the 4 rows"):
        OBJECTIVES[name](z, z, temperature=0.5, ids=torch.arange(3))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
@pytest.mark.parametrize("name", ONE_TEMPERATURE)
def test_temperature_must_be_positive(name, temperature):
    with pytest.raises(ValueError, match="temperature must be above 0"):
        OBJECTIVES[name](torch.randn(4, 3), torch.randn(4, 3), temperature=temperature)


def test_clip_scale_must_be_positive_and_learns():
    z1, z2 = (torch.from_numpy(z) for z in pair(8))
    with pytest.raises(ValueError, match="logit_scale must be above 0"):
        clip(z1, z2, logit_scale=0.0)
    t = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    clip(z1, z2, logit_scale=t.exp()).backward()
    assert t.grad != 0


def test_decoupled_rows_without_negatives_are_no_anchors():
    z1, z2 = (torch.from_numpy(z) for z in pair(3))
    with pytest.raises(ValueError, match="no row of the batch has a negative"):
        decoupled_info_nce(z1, z2, temperature=0.5, ids=torch.zeros(3))
    value = decoupled_info_nce(z1, z2, temperature=0.5, ids=torch.tensor([0, 0, 1]))
    assert value.item() == pytest.approx(naive_info_nce(z1.numpy(), z2.numpy(), 0.5, [0, 0, 1], own=False))


def naive_hierarchical(z1, z2, alpha):
    """Yue et al., equations 1 to 3, one term at a time."""
    levels = []
    while True:
        n, t, _ = z1.shape
        inst = [naive_dot(z1[:, s], z2[:, s]) for s in range(t)] if n > 1 else [0.0]
        temp = [naive_dot(z1[i], z2[i]) for i in range(n)] if t > 1 else [0.0]
        levels.append(alpha * np.mean(inst) + (1 - alpha) * np.mean(temp))
        if t == 1:
            return np.mean(levels)
        z1, z2 = (z[:, : t // 2 * 2].reshape(n, t // 2, 2, -1).max(2) for z in (z1, z2))


def naive_dot(a, b):
    rows, k = np.concatenate([a, b]), len(a)
    terms = []
    for i in range(2 * k):
        total = sum(math.exp(rows[i] @ rows[j]) for j in range(2 * k) if j != i)
        terms.append(math.log(total) - rows[i] @ rows[(i + k) % (2 * k)])
    return np.mean(terms)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("n", "t"), [(1, 7), (2, 1), (3, 2), (4, 9), (8, 5)])
def test_hierarchical_equals_a_loop(n, t, alpha):
    z1, z2 = np.random.default_rng(0).normal(size=(2, n, t, 4))
    found = hierarchical(torch.from_numpy(z1), torch.from_numpy(z2), alpha=alpha).item()
    assert found == pytest.approx(naive_hierarchical(z1, z2, alpha), rel=1e-9, abs=1e-12)


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


@pytest.mark.parametrize("n", SIZES)
def test_alignment_and_uniformity_equal_loops(n):
    z1, z2 = pair(n)
    u1, u2 = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (z1, z2))
    close = np.mean([np.linalg.norm(a - b) ** 1.5 for a, b in zip(u1, u2, strict=True)])
    spread = np.log(np.mean([np.exp(-3 * np.sum((u1[i] - u1[j]) ** 2)) for i, j in combinations(range(n), 2)]))
    assert alignment(torch.from_numpy(z1), torch.from_numpy(z2), alpha=1.5).item() == pytest.approx(close, rel=1e-9)
    assert uniformity(torch.from_numpy(z1), t=3).item() == pytest.approx(spread, rel=1e-9)


def test_alignment_and_uniformity_identities():
    z1, z2 = (torch.from_numpy(z) for z in pair(16))
    mean_cosine = torch.nn.functional.cosine_similarity(z1, z2).mean()
    torch.testing.assert_close(alignment(z1, z2), 2 - 2 * mean_cosine)
    assert alignment(z1, z1).item() == pytest.approx(0, abs=1e-30)
    assert uniformity(torch.ones(5, 3)).item() == pytest.approx(0, abs=1e-6)
    assert uniformity(torch.tensor([[1.0, 0], [-1, 0]])).item() == pytest.approx(-8)
    assert -8 <= uniformity(z1) <= 0


def test_alignment_gradient_is_finite_where_a_root_would_not_be():
    z: Tensor = torch.ones(4, 3, requires_grad=True)
    alignment(z, z.detach().clone(), alpha=1.0).backward()
    assert z.grad.isfinite().all()
