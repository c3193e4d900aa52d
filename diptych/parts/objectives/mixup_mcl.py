"""The objective of mixup contrastive learning (MCL)."""

import torch
from torch import Tensor

from diptych.parts.objectives._checks import rows
from diptych.parts.objectives._similarity import check, cosine


def mixup_mcl(mixed: Tensor, z1: Tensor, z2: Tensor, *, lam: Tensor | float, temperature: float) -> Tensor:
    """A mixture λx + (1 − λ)x' finds its two components, in their proportion, among all components of the batch.

    mixed, z1 of x, z2 of x' [n, d], λ one number or [n], compared by cosine; candidates c = [z1; z2] [2n]:
    L = 1/n Σ_i [ lse_k s(m_i, c_k)/τ − λ s(m_i, z1_i)/τ − (1 − λ) s(m_i, z2_i)/τ ].
    Where x' is x permuted, each sample is twice a candidate and its copy a false negative: as published, and kept.
    Wickström et al. 2022, arXiv 2203.09270, sec. 3.
    """
    rows(mixed, z1, z2)
    check(z1, z2, temperature)
    share = _share(lam, mixed)  # one number or [n]
    logits = cosine(mixed, torch.cat([z1, z2])) / temperature  # [n, 2n]
    first, second = logits.diagonal(), logits.diagonal(len(z1))  # [n]
    return (logits.logsumexp(1) - share * first - (1 - share) * second).mean()


def _share(lam: Tensor | float, mixed: Tensor) -> Tensor:
    share = torch.as_tensor(lam, dtype=torch.promote_types(mixed.dtype, torch.float32), device=mixed.device)
    if share.shape not in ((), (len(mixed),)) or not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"lam must be in [0, 1], one number or [{len(mixed)}]; it is {lam}")
    return share
