"""What single objectives refuse, beyond the errors that all share; and rows that are no anchors."""

import math

import pytest
import torch

from diptych.parts.objectives import (
    barlow_twins,
    clip,
    contrastive_pair,
    debiased,
    decoupled,
    decoupled_info_nce,
    decoupled_weighted,
    expclr,
    hard_negative,
    instance_softmax,
    lifted_structure,
    mae,
    mixup_mcl,
    moco,
    n_pair,
    nce_logistic,
    siglip,
    sinkhorn,
    swapped_prediction,
    swav,
    triplet,
    vicreg,
)

Z, OTHER = torch.linspace(-1, 1, 12).reshape(4, 3), torch.linspace(0, 2, 12).reshape(4, 3).flip(0)
PATCHES, SCORES = torch.ones(2, 3, 4), [Z, OTHER, Z]
SWAV = {"temperature": 0.1, "epsilon": 0.05, "iterations": 3}
REFUSED = {
    "margin must be above 0, it is 0": lambda: contrastive_pair(Z, OTHER, same=torch.ones(4), margin=0.0),
    r"same must hold 0 and 1 only; it holds \[2.0": lambda: contrastive_pair(Z, OTHER, same=torch.full((4,), 2.0)),
    "margin must be at least 0, it is -1": lambda: triplet(Z, OTHER, Z, margin=-1.0, squared=True),
    "margin must be at least 0, it is -2": lambda: lifted_structure(Z, labels=torch.tensor([0, 0, 1, 1]), margin=-2.0),
    "l2 must be at least 0": lambda: n_pair(Z, OTHER, l2=-0.1),
    r"negative_scores \[n, k\], n and k at least 1": lambda: nce_logistic(Z[:, 0], Z[:, :0], noise_log_prob=0.0),
    r"noise_log_prob must be one number or \[4, 4\]": lambda: nce_logistic(Z[:, 0], Z, noise_log_prob=torch.zeros(4)),
    r"the queue must be \[k, 3\] with k ≥ 1; its shape is \[0, 3\]": lambda: moco(Z, OTHER, Z[:0], temperature=0.1),
    r"the queue must be \[k, 3\] with k ≥ 1; its shape is \[4, 2\]": lambda: moco(Z, OTHER, Z[:, :2], temperature=0.1),
    r"index must hold whole numbers in 0 … 3; it holds \[4": lambda: discriminated(torch.full((4,), 4)),
    r"index must hold whole numbers in 0 … 3; it holds \[-1": lambda: discriminated(torch.full((4,), -1)),
    r"index must hold whole numbers in 0 … 3; it holds \[0.5": lambda: discriminated(torch.full((4,), 0.5)),
    r"the bank must be \[m, 3\] with m ≥ 2": lambda: discriminated(torch.zeros(4).long(), Z[:1]),
    r"in \[0, 1\); it is 1.0": lambda: debiased(Z, OTHER, temperature=0.5, tau_plus=1.0),
    r"in \[0, 1\); it is -0.1": lambda: debiased(Z, OTHER, temperature=0.5, tau_plus=-0.1),
    "beta must be at least 0": lambda: hard_negative(Z, OTHER, temperature=0.5, tau_plus=0.1, beta=-1.0),
    "sigma must be above 0": lambda: decoupled_weighted(Z, OTHER, temperature=0.5, sigma=0.0),
    "delta must be above 0": lambda: expclr(Z, OTHER, delta=0.0, temperature=0.5),
    r"above 0 and finite, it is 0.0 \(all equal": lambda: expclr(Z, OTHER * 0, delta=1.0, temperature=0.5),
    "above 0 and finite, it is nan": lambda: expclr(Z, OTHER * math.nan, delta=1.0, temperature=0.5),
    "rows, 2 or more; they have 4, 3": lambda: expclr(Z, OTHER[:3], delta=1.0, temperature=0.5),
    "off_diagonal_weight must be at least 0": lambda: barlow_twins(Z, OTHER, off_diagonal_weight=-1.0),
    "covariance must be at least 0": lambda: vicreg(Z, OTHER, invariance=1.0, variance=1.0, covariance=-1.0),
    "epsilon must be above 0": lambda: sinkhorn(Z, epsilon=0.0, iterations=3),
    "iterations must be above 0": lambda: sinkhorn(Z, epsilon=0.1, iterations=0),
    r"different crops in 0 … 2, at least one; it is \[\]": lambda: swav(SCORES, **SWAV, assign=[]),
    r"different crops in 0 … 2, at least one; it is \[3\]": lambda: swav(SCORES, **SWAV, assign=[3]),
    r"different crops in 0 … 2, at least one; it is \[1, 1\]": lambda: swav(SCORES, **SWAV, assign=[1, 1]),
    "2 or more crops and 1 or more codes are needed; there are 1 and 1": lambda: swav(SCORES[:1], **SWAV, assign=[0]),
    "there are 3 and 0": lambda: swapped_prediction(SCORES, {}, temperature=0.1),
    "logit_scale must be above 0, it is 0": lambda: clip(Z, OTHER, logit_scale=torch.zeros((), requires_grad=True)),
    "logit_scale must be at least 0": lambda: siglip(Z, OTHER, logit_scale=-1.0, logit_bias=0.0),
    r"lam must be in \[0, 1\], one number or \[4\]; it is 1.5": lambda: mixed(1.5),
    r"lam must be in \[0, 1\], one number or \[4\]; it is tensor": lambda: mixed(torch.ones(3)),
    "the mask removes no patch": lambda: mae(PATCHES, PATCHES, mask=torch.zeros(2, 3), normalise=False),
    "mask must hold 0 and 1 only": lambda: mae(PATCHES, PATCHES, mask=torch.full((2, 3), 0.5), normalise=False),
    "patches of at least 2 values": lambda: mae(
        PATCHES[..., :1], PATCHES[..., :1], mask=torch.ones(2, 3), normalise=True
    ),
}


def discriminated(index, bank=Z):
    return instance_softmax(Z, bank, index=index, temperature=0.1)


def mixed(lam):
    return mixup_mcl(Z, OTHER, Z, lam=lam, temperature=0.1)


@pytest.mark.parametrize("message", REFUSED)
def test_settings_out_of_range_are_errors(message):
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()


@pytest.mark.parametrize("objective", [decoupled, decoupled_info_nce])
def test_a_batch_of_one_object_has_no_negatives(objective):
    with pytest.raises(ValueError, match="no row of the batch has a negative"):
        objective(Z, OTHER, temperature=0.5, ids=torch.zeros(4))


def test_a_queue_of_one_object_leaves_the_positive_alone():
    assert moco(Z, OTHER, Z, temperature=0.1, ids=torch.zeros(8)).item() == pytest.approx(0, abs=1e-6)
