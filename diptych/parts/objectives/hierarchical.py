"""The objective of TS2Vec."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from diptych.parts.objectives._precision import gram, product, single

Extra = Callable[[Tensor], Tensor] | None  # candidates [m, k, d] of m groups -> further negatives [m, e, d] for them


def hierarchical(z1: Tensor, z2: Tensor, *, alpha: float = 0.5, extra: Extra = None) -> Tensor:
    """Contrast over instances and over time at every scale of a max-pooling pyramid.

    z1, z2 [n, t, d], equal steps of two crops:  L = mean over scales of α · instance + (1 − α) · temporal,
    scales t, ⌊t/2⌋, … 1; the last has no temporal term. Yue et al. 2022, arXiv 2106.10466, eq. 3 and alg. 1.
    What `extra` makes of each crop's candidates joins the denominators; it is never an anchor.
    """
    if z1.ndim != 3 or z1.shape != z2.shape or z1.shape[1] < 1:
        raise ValueError(f"both crops must be [n, t ≥ 1, d]; they are {list(z1.shape)} and {list(z2.shape)}")
    scales = [(single(z1).contiguous(), single(z2).contiguous())]  # pooling is slow in other orders
    while scales[-1][0].shape[1] > 1:
        scales.append((_halved(scales[-1][0]), _halved(scales[-1][1])))
    terms = [alpha * instance(a, b, extra) + (1 - alpha) * temporal(a, b, extra) for a, b in scales]
    return torch.stack(terms).mean()


def instance(z1: Tensor, z2: Tensor, extra: Extra = None) -> Tensor:
    """At each step, a series finds its other crop among both crops of all series (eq. 2); 0 for one series."""
    return _dot_nt_xent(z1.transpose(0, 1), z2.transpose(0, 1), extra)


def temporal(z1: Tensor, z2: Tensor, extra: Extra = None) -> Tensor:
    """In each series, a step finds itself in the other crop among all steps of both crops (eq. 1); 0 for one step."""
    return _dot_nt_xent(z1, z2, extra)


def _dot_nt_xent(a: Tensor, b: Tensor, extra: Extra) -> Tensor:
    """NT-Xent of inner products, without temperature, in each of m groups: a, b [m, k, d]."""
    k = a.shape[1]
    if k == 1:
        return a.new_zeros(())
    both = torch.cat([a, b], 1)  # [m, 2k, d]
    own = both.new_zeros(2 * k, 2 * k).fill_diagonal_(-torch.inf)
    logits = gram(both) + own  # [m, 2k, 2k]
    if extra:
        further = torch.cat([extra(a), extra(b)], 1)
        logits = torch.cat([logits, product(both, further.mT)], 2)  # [m, 2k, 2k + 2e]
    positive = torch.arange(2 * k, device=a.device).roll(k).repeat(len(a))  # [m · 2k], its column
    return F.cross_entropy(logits.flatten(0, 1), positive)


def _halved(z: Tensor) -> Tensor:
    """Max-pool time by 2; an odd last step is dropped: [n, t, d] -> [n, ⌊t/2⌋, d]."""
    return F.max_pool1d(z.mT, 2).mT
