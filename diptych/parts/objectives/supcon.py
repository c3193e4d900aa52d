"""Supervised contrastive learning: all rows of a class are positives of each other.

Both forms take two views [n, d] of samples with labels [n], compare by cosine, and have denominators over all other
rows of A = [z1; z2]; P(i) = other rows of the label of row i, its other view included.
"""

from torch import Tensor

from diptych.parts.objectives._checks import per_row
from diptych.parts.objectives._similarity import log_sum_exp
from diptych.parts.objectives._two_views import TwoViews, two_views


def supcon_out(z1: Tensor, z2: Tensor, *, labels: Tensor, temperature: float) -> Tensor:
    """Each row finds each of its positives: the mean over positives stands outside the logarithm.

    L = 1/2n Σ_i 1/|P(i)| Σ_{p∈P(i)} [ lse_{k≠i} s(A_i, A_k)/τ − s(A_i, A_p)/τ ].
    Khosla et al. 2020, arXiv 2004.11362, eq. 2 (the public code multiplies by τ / 0.07).
    """
    views, positive = _views(z1, z2, labels, temperature)
    mean = views.logits.masked_fill(~positive, 0).sum(1) / positive.sum(1)  # [2n]
    return (log_sum_exp(views.logits, views.own) - mean).mean()


def supcon_in(z1: Tensor, z2: Tensor, *, labels: Tensor, temperature: float) -> Tensor:
    """Each row finds any of its positives: the mean over positives stands inside the logarithm; at most the other form.

    L = 1/2n Σ_i [ lse_{k≠i} s(A_i, A_k)/τ − lse_{p∈P(i)} s(A_i, A_p)/τ + log |P(i)| ].
    Khosla et al. 2020, arXiv 2004.11362, eq. 3.
    """
    views, positive = _views(z1, z2, labels, temperature)
    size = positive.sum(1).to(views.logits.dtype).log()  # [2n] log |P|
    return (log_sum_exp(views.logits, views.own) - log_sum_exp(views.logits, ~positive) + size).mean()


def _views(z1: Tensor, z2: Tensor, labels: Tensor, temperature: float) -> tuple[TwoViews, Tensor]:
    """Logits and the positives [2n, 2n]: rows of one label, but not the row itself."""
    per_row(len(z1), labels=labels)
    views = two_views(z1, z2, temperature, ids=labels)
    return views, views.kin & ~views.own
