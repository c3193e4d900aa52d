"""The objective of SimCLR."""

from torch import Tensor

from diptych.parts.objectives._similarity import log_sum_exp
from diptych.parts.objectives._two_views import two_views


def nt_xent(z1: Tensor, z2: Tensor, *, temperature: float, ids: Tensor | None = None) -> Tensor:
    """Each of 2n rows finds its other view among the 2n − 1 others, by cosine.

    z1, z2 [n, d]; A = [z1; z2]:  L = 1/2n Σ_i [ lse_{k≠i} s(A_i, A_k)/τ − s(A_i, A_pos(i))/τ ].
    `ids` [n]: rows of an object are no negatives of each other. Chen et al. 2020, arXiv 2002.05709, eq. 1.
    """
    views = two_views(z1, z2, temperature, ids)
    partner = views.own.roll(len(z1), 1)  # [2n, 2n]
    return (log_sum_exp(views.logits, views.kin & ~partner) - views.positive).mean()
