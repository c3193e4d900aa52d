"""Special cases of the losses that tell a positive from negatives, and how they follow from each other."""

import math

import oracles
import pytest
import torch
from objective_cases import drawn, equal, pair
from torch.nn import functional as F

from diptych.parts.objectives import (
    byol,
    clip,
    debiased,
    decoupled,
    decoupled_info_nce,
    decoupled_weighted,
    hard_negative,
    info_nce,
    instance_softmax,
    mixup_mcl,
    moco,
    n_pair,
    nce_logistic,
    negative_cosine,
    nnclr,
    nt_xent,
    siglip,
    soft_nearest_neighbour,
    supcon_in,
    supcon_out,
    uniformity,
    unit,
    vicreg,
)

TEMPERATURES = (0.05, 0.5, 1.0)
LABELS = torch.tensor([0, 0, 1, 1, 2, 2, 2, 0])


def circle(turn):
    """Seven points on a circle: there every row has the same loss."""
    angle = torch.arange(7, dtype=torch.float64) * 2 * math.pi / 7 + turn
    return torch.stack([angle.cos(), angle.sin()], 1)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_collapsed_embeddings_have_the_value_of_chance(temperature):
    z, n, t = torch.ones(8, 5, dtype=torch.float64), 8, {"temperature": temperature}
    found = {
        "nt_xent": nt_xent(z, z, **t),
        "debiased": debiased(z, z, **t, tau_plus=0.3),
        "hard_negative": hard_negative(z, z, **t, tau_plus=0.3, beta=2.0),
        "supcon_out": supcon_out(z, z, labels=LABELS * 0, **t),
        "supcon_in": supcon_in(z, z, labels=LABELS * 0, **t),
        "decoupled": decoupled(z, z, **t),
        "decoupled_weighted": decoupled_weighted(z, z, **t, sigma=0.5),
        "decoupled_info_nce": decoupled_info_nce(z, z, **t),
        "info_nce": info_nce(z, z, **t),
        "nnclr": nnclr(z, z, **t),
        "clip": clip(z, z, logit_scale=1 / temperature),
        "n_pair": n_pair(z, z, l2=0.0),
        "moco": moco(z, z, z[:5], **t),
        "instance_softmax": instance_softmax(z, z[:6], index=torch.zeros(8, dtype=torch.long), **t),
        "mixup_mcl": mixup_mcl(z, z, z, lam=0.3, **t),
        "vicreg": vicreg(z, z, invariance=25.0, variance=25.0, covariance=1.0),
        "uniformity": uniformity(z),
        "negative_cosine": negative_cosine(z, z, z, z),
        "byol": byol(z, z, z, z),
    }
    values = [math.log(2 * n - 1)] * 5 + [math.log(2 * n - 2)] * 2 + [math.log(n - 1)] + [math.log(n)] * 4
    values += [math.log(6), math.log(6), math.log(2 * n), 24.75, 0.0, -1.0, 0.0]
    assert {name: value.item() for name, value in found.items()} == pytest.approx(
        dict(zip(found, values, strict=True)), rel=1e-12, abs=1e-12
    )


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_orthonormal_pairs(temperature):
    z, e, t = torch.eye(8, dtype=torch.float64), math.exp(-1 / temperature), {"temperature": temperature}
    equal(nt_xent(z, z, **t), math.log1p(14 * e))
    equal(debiased(z, z, **t, tau_plus=0.0), math.log1p(14 * e))
    equal(info_nce(z, z, **t), math.log1p(7 * e))
    equal(clip(z, z, logit_scale=1 / temperature), math.log1p(7 * e))
    equal(decoupled(z, z, **t), math.log(14) - 1 / temperature)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_relatives_of_nt_xent(temperature):
    (z1, z2), t = pair(9), {"temperature": temperature}
    value = nt_xent(z1, z2, **t)
    equal(nt_xent(z2, z1, **t), value)
    for supervised in (supcon_out, supcon_in):
        equal(supervised(z1, z2, labels=torch.arange(9), **t), value)
    equal(debiased(z1, z2, **t, tau_plus=0.0), value)
    equal(hard_negative(z1, z2, **t, tau_plus=0.0, beta=0.0), value)
    equal(hard_negative(z1, z2, **t, tau_plus=0.2, beta=0.0), debiased(z1, z2, **t, tau_plus=0.2))
    turned = circle(0), circle(0.3)
    equal(nt_xent(*turned, **t), F.softplus(decoupled(*turned, **t)))
    equal(info_nce(*turned, **t), F.softplus(decoupled_info_nce(*turned, **t)))
    equal(decoupled_weighted(*turned, **t, sigma=0.5), decoupled(*turned, **t))  # equal positive similarities


def test_debiased_stays_nt_xent_where_ids_leave_no_negative():
    (z1, z2), ids = pair(3), torch.tensor([0, 0, 0])
    with pytest.raises(ValueError, match="no row of the batch has a negative"):
        debiased(z1, z2, temperature=0.5, tau_plus=0.1, ids=ids)
    z1, z2 = z1.repeat(2, 1), z2.repeat(2, 1)
    ids = torch.tensor([0, 0, 0, 0, 0, 1])
    found = debiased(z1, z2, temperature=0.5, tau_plus=0.0, ids=ids)
    equal(found, nt_xent(z1, z2, temperature=0.5, ids=ids))


def test_lengths_do_not_matter_to_cosines():
    z1, z2 = pair(9)
    lengths, t = torch.linspace(0.1, 30, 9, dtype=torch.float64)[:, None], {"temperature": 0.3}
    for objective in (nt_xent, info_nce, nnclr, decoupled, lambda *z, temperature: clip(*z, logit_scale=temperature)):
        equal(objective(z1 * lengths, z2 / lengths, **t), objective(z1, z2, **t))


def test_infinite_beta_keeps_the_hardest_negative_with_the_weight_of_all():
    z1, z2 = pair(6)
    s = F.cosine_similarity(torch.cat([z1, z2])[:, None], torch.cat([z1, z2])[None], dim=2) / 0.5  # [12, 12]
    own = torch.eye(6, dtype=torch.bool).repeat(2, 2)
    hardest, positive = s.masked_fill(own, -torch.inf).amax(1), torch.cat([s.diagonal(6), s.diagonal(-6)])
    limit = F.softplus(math.log(10) + hardest - positive).mean()
    equal(hard_negative(z1, z2, temperature=0.5, tau_plus=0.0, beta=1e5), limit, 1e-7)


def test_supcon_in_is_at_most_supcon_out():
    z1, z2 = pair(8)
    settings = {"labels": LABELS, "temperature": 0.1}
    assert supcon_in(z1, z2, **settings) < supcon_out(z1, z2, **settings)


def test_soft_nearest_neighbour_is_supcon_in_with_a_gaussian_kernel():
    z1, z2 = pair(8)
    both, labels = torch.cat([unit(z1), unit(z2)]), LABELS.repeat(2)
    log_size = ((labels[:, None] == labels).sum(1) - 1).double().log().mean()
    found = soft_nearest_neighbour(both, labels=labels, temperature=0.6) + log_size  # ‖a − b‖² = 2 − 2 s(a, b)
    equal(found, supcon_in(z1, z2, labels=LABELS, temperature=0.3))


def test_nce_of_scores_at_the_noise():
    log_q = -math.log(50)
    scores = torch.full((4, 7), math.log(6) + log_q, dtype=torch.float64)
    equal(nce_logistic(scores[:, 0], scores[:, 1:], noise_log_prob=log_q), 7 * math.log(2))
    equal(nce_logistic(scores[:, 0], scores[:, 1:], noise_log_prob=torch.full_like(scores, log_q)), 7 * math.log(2))


def test_nce_with_much_noise_is_maximum_likelihood():
    theta, times = drawn(1, 4)[0].log_softmax(0).requires_grad_(), 20_000
    loss = nce_logistic(theta[:1], theta.repeat(times)[None], noise_log_prob=-math.log(4))
    (gradient,) = torch.autograd.grad(loss, theta)
    (likelihood,) = torch.autograd.grad(F.cross_entropy(theta[None], torch.tensor([0])), theta)
    equal(gradient, likelihood, 1e-3)


def test_moco_tends_to_alignment_plus_uniformity():
    q, k, queue = drawn(16), drawn(16, 5, 1), drawn(100_000, 5, 2)
    positive, s = F.cosine_similarity(q, k).mean(), unit(q) @ unit(queue).mT
    limit = -positive / 0.5 + (s / 0.5).exp().mean(1).log().mean()
    equal(moco(q, k, queue, temperature=0.5) - math.log(len(queue)), limit, 1e-3)


def test_clip_is_the_mean_of_both_directions_and_symmetric():
    z1, z2 = pair(8)
    both = (info_nce(z1, z2, temperature=0.2) + info_nce(z2, z1, temperature=0.2)) / 2
    equal(clip(z1, z2, logit_scale=5.0), both)
    equal(clip(z2, z1, logit_scale=5.0), both)
    assert info_nce(z1, z2, temperature=0.2) != info_nce(z2, z1, temperature=0.2)


def test_siglip_without_scale_and_in_halves():
    z1, z2 = pair(8)
    equal(siglip(z1, z2, logit_scale=0.0, logit_bias=0.0), 8 * math.log(2))
    settings = {"logit_scale": 10.0, "logit_bias": -10.0}
    halves = [siglip(z1[rows], z2[rows], **settings) for rows in (slice(4), slice(4, 8))]
    logits = 10 * unit(z1) @ unit(z2).mT - 10
    cross = F.softplus(logits[:4, 4:]).sum() + F.softplus(logits[4:, :4]).sum()
    equal(siglip(z1, z2, **settings), (4 * sum(halves) + cross) / 8)


def test_learned_scale_and_bias_have_gradients():
    z1, z2 = pair(8)
    t, bias = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (2.0, -1.0))
    assert torch.autograd.gradcheck(lambda t: clip(z1, z2, logit_scale=t.exp()), (t,))
    assert torch.autograd.gradcheck(lambda t, b: siglip(z1, z2, logit_scale=t.exp(), logit_bias=b), (t, bias))


def test_a_mixture_of_one_component_is_info_nce_over_both():
    mixed, z1, z2 = drawn(8), drawn(8, 5, 1), drawn(8, 5, 2)
    expected = instance_softmax(mixed, torch.cat([z1, z2]), index=torch.arange(8), temperature=0.5)
    equal(mixup_mcl(mixed, z1, z2, lam=1.0, temperature=0.5), expected)
    lam = torch.linspace(0, 1, 8, dtype=torch.float64)
    one_by_one = oracles.mixup_mcl(*(z.numpy() for z in (mixed, z1, z2)), lam=lam.numpy(), temperature=0.5)
    equal(mixup_mcl(mixed, z1, z2, lam=lam, temperature=0.5), one_by_one)


def test_weights_of_decoupled_weighted_are_constants():
    z1, z2 = (z.requires_grad_() for z in pair(8))
    similarity = F.cosine_similarity(z1, z2)
    weights = (2 - 8 * (similarity / 0.5).softmax(0)).detach()
    by_hand = decoupled(z1, z2, temperature=0.2) + ((1 - weights) * similarity / 0.2).mean()
    found = decoupled_weighted(z1, z2, temperature=0.2, sigma=0.5)
    equal(found, by_hand)
    equal(torch.autograd.grad(found, z1)[0], torch.autograd.grad(by_hand, z1)[0])


def test_aligned_views_beat_shuffled_ones():
    z1, noise = pair(32)
    z2 = z1 + 0.1 * noise
    for objective in (nt_xent, info_nce, decoupled, decoupled_info_nce):
        aligned, shuffled = (objective(z1, other, temperature=0.5) for other in (z2, z2.roll(1, 0)))
        assert aligned < shuffled - 1
