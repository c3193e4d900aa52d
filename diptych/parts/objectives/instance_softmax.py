"""The softmax objective of instance discrimination with a memory bank."""

import torch
from torch import Tensor

from diptych.parts.objectives._checks import above_zero, per_row, rows
from diptych.parts.objectives._similarity import cosine, log_sum_exp


def instance_softmax(
    z: Tensor, bank: Tensor, *, index: Tensor, temperature: float, ids: Tensor | None = None
) -> Tensor:
    """Each sample is a class of its own: it finds its entry among all m of the memory bank, by cosine.

    z [n, d], bank [m, d], index [n] in 0 … m − 1:  L = 1/n Σ_i [ lse_k s(z_i, b_k)/τ − s(z_i, b_index(i))/τ ].
    The bank carries no gradient. `ids` [m], the objects of its entries: other entries of the sample's object are no
    negatives. Wu et al. 2018, arXiv 1805.01978, eq. 2 and 3.
    """
    above_zero(temperature=temperature)
    _check(z, bank, index)
    per_row(len(bank), ids=ids)
    logits = cosine(z, bank.detach()) / temperature  # [n, m]
    own = torch.arange(len(bank), device=index.device) == index[:, None]  # [n, m]
    hidden = torch.zeros_like(own) if ids is None else (ids == ids[index][:, None]) & ~own
    return (log_sum_exp(logits, hidden) - logits[own]).mean()


def _check(z: Tensor, bank: Tensor, index: Tensor) -> None:
    rows(z)
    rows(bank)
    per_row(len(z), index=index)
    if z.shape[1] != bank.shape[1] or len(bank) < 2:
        raise ValueError(f"the bank must be [m, {z.shape[1]}] with m ≥ 2; its shape is {list(bank.shape)}")
    if index.is_floating_point() or index.min() < 0 or index.max() >= len(bank):
        raise ValueError(f"index must hold whole numbers in 0 … {len(bank) - 1}; it holds {index.tolist()[:5]} …")
