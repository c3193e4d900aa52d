"""Corrections for the negatives of two views: false ones removed on average (debiased), hard ones weighted up (HCL)."""

import torch
from torch import Tensor

from diptych.parts.objectives._checks import at_least_zero
from diptych.parts.objectives._similarity import log_sum_exp
from diptych.parts.objectives._two_views import two_views, with_negatives


def debiased(z1: Tensor, z2: Tensor, *, temperature: float, tau_plus: float, ids: Tensor | None = None) -> Tensor:
    """NT-Xent whose negatives are corrected for those that, with prior τ⁺, are of the anchor's class.

    z1, z2 [n, d] compared by cosine, n' = 2n − 2 negatives u of row i, s⁺ its positive:
    Ng = max( n' e^{−1/τ}, (Σ_u e^{s_u/τ} − n' τ⁺ e^{s⁺/τ}) / (1 − τ⁺) ),
    L = 1/2n Σ_i −log( e^{s⁺/τ} / (e^{s⁺/τ} + Ng) ).
    `ids` [n]: rows of an object are no negatives of each other, n' is what remains of them.
    Chuang et al. 2020, arXiv 2007.00224, eq. 7 and 8.
    """
    return hard_negative(z1, z2, temperature=temperature, tau_plus=tau_plus, beta=0.0, ids=ids)


def hard_negative(
    z1: Tensor, z2: Tensor, *, temperature: float, tau_plus: float, beta: float, ids: Tensor | None = None
) -> Tensor:
    """The debiased objective with negatives weighted by their nearness to the anchor.

    z1, z2 [n, d] compared by cosine; as `debiased`, with Σ_u w_u e^{s_u/τ}, w_u = e^{β s_u/τ} / mean_u' e^{β s_u'/τ};
    the weights keep their gradient, as in the public code. An anchor without negatives (`ids` [n]) has a loss of 0.
    Robinson et al. 2021, arXiv 2010.04592, sec. 3.
    """
    at_least_zero(beta=beta)
    if not 0 <= tau_plus < 1:
        raise ValueError(f"tau_plus, the prior of the anchor's class, must be in [0, 1); it is {tau_plus}")
    views = with_negatives(two_views(z1, z2, temperature, ids))
    log_n = (~views.kin).sum(1).to(views.logits.dtype).log()  # [a]
    log_weights = log_sum_exp(beta * views.logits, views.kin) - log_n  # [a] of their mean
    log_total = log_sum_exp((1 + beta) * views.logits, views.kin) - log_weights  # [a] of Σ_u w_u e^{s_u/τ}
    top = torch.maximum(views.positive, log_total).detach()  # [a] keeps each exponential at most 1
    positive, total = (views.positive - top).exp(), (log_total - top).exp()
    least = (log_n - 1 / temperature - top).exp()
    corrected = torch.maximum((total - tau_plus * log_n.exp() * positive) / (1 - tau_plus), least)  # [a] Ng
    return ((positive + corrected).log() + top - views.positive).sum() / (2 * len(z1))
