"""The objective of SimCLR."""

import torch
from torch import Tensor

from diptych.parts.objectives._similarity import check, cosine, log_sum_exp, same_object


def nt_xent(z1: Tensor, z2: Tensor, *, temperature: float, ids: Tensor | None = None) -> Tensor:
    """Each of 2n rows finds its other view among the 2n − 1 others, by cosine.

    z1, z2 [n, d]; A = [z1; z2]:  L = 1/2n Σ_i [ lse_{k≠i} s(A_i, A_k)/τ − s(A_i, A_pos(i))/τ ].
    `ids` [n]: rows of an object are no negatives of each other. Chen et al. 2020, arXiv 2002.05709, eq. 1.
    """
    check(z1, z2, temperature, ids)
    n = len(z1)
    both = torch.cat([z1, z2])  # [2n, d]
    logits = cosine(both, both) / temperature  # [2n, 2n]
    positive = torch.cat([logits.diagonal(n), logits.diagonal(-n)])  # [2n]
    hidden = same_object(ids, n, z1.device).repeat(2, 2)  # [2n, 2n]
    hidden.diagonal(n).fill_(False)
    hidden.diagonal(-n).fill_(False)
    return (log_sum_exp(logits, hidden) - positive).mean()
