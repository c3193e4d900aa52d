"""The objective of TS2Vec."""

import torch
from torch import Tensor

from diptych.parts.objectives._precision import product, single


def hierarchical(z1: Tensor, z2: Tensor, *, alpha: float = 0.5) -> Tensor:
    """Contrast over instances and over time at every scale of a max-pooling pyramid.

    z1, z2 [n, t, d], equal steps of two crops:  L = mean over scales of α · instance + (1 − α) · temporal,
    scales t, ⌊t/2⌋, … 1; the last has no temporal term. Yue et al. 2022, arXiv 2106.10466, eq. 3 and alg. 1.
    """
    if z1.ndim != 3 or z1.shape != z2.shape or z1.shape[1] < 1:
        raise ValueError(f"both crops must be [n, t ≥ 1, d]; they are {list(z1.shape)} and {list(z2.shape)}")
    scales = [(single(z1), single(z2))]
    while scales[-1][0].shape[1] > 1:
        scales.append((_halved(scales[-1][0]), _halved(scales[-1][1])))
    terms = [alpha * instance(a, b) + (1 - alpha) * temporal(a, b) for a, b in scales]
    return torch.stack(terms).mean()


def instance(z1: Tensor, z2: Tensor) -> Tensor:
    """At each step, a series finds its other crop among both crops of all series (eq. 2); 0 for one series."""
    return _dot_nt_xent(z1.transpose(0, 1), z2.transpose(0, 1))


def temporal(z1: Tensor, z2: Tensor) -> Tensor:
    """In each series, a step finds itself in the other crop among all steps of both crops (eq. 1); 0 for one step."""
    return _dot_nt_xent(z1, z2)


def _dot_nt_xent(a: Tensor, b: Tensor) -> Tensor:
    """NT-Xent of inner products, without temperature, in each of m groups: a, b [m, k, d]."""
    k = a.shape[1]
    if k == 1:
        return a.new_zeros(())
    both = torch.cat([a, b], 1)  # [m, 2k, d]
    logits = product(both, both.mT)  # [m, 2k, 2k]
    positive = torch.cat([logits.diagonal(k, 1, 2), logits.diagonal(-k, 1, 2)], 1)  # [m, 2k]
    own = torch.eye(2 * k, dtype=torch.bool, device=a.device)
    return (logits.masked_fill(own, -torch.inf).logsumexp(2) - positive).mean()


def _halved(z: Tensor) -> Tensor:
    """Max-pool time by 2; an odd last step is dropped: [n, t, d] -> [n, ⌊t/2⌋, d]."""
    return torch.maximum(z[:, :-1:2], z[:, 1::2])
