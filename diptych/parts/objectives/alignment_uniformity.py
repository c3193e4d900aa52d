"""The two properties that contrastive losses trade: closeness of positives, spread on the sphere."""

import math

import torch
from torch import Tensor

from diptych.parts.objectives._similarity import check
from diptych.parts.objectives.unit import unit


def alignment(z1: Tensor, z2: Tensor, *, alpha: float = 2.0) -> Tensor:
    """mean_i ‖ẑ1_i − ẑ2_i‖^α of two views [n, d]; 0 is best. Wang & Isola 2020, arXiv 2005.10242, eq. 3."""
    check(z1, z2)
    squared = (unit(z1) - unit(z2)).square().sum(1)  # [n]
    # the clamp comes before a root, whose gradient at 0 is infinite
    return squared.clamp_min(torch.finfo(squared.dtype).tiny).pow(alpha / 2).mean()


def uniformity(z: Tensor, *, t: float = 2.0) -> Tensor:
    """log mean_{i<j} exp(−t ‖ẑ_i − ẑ_j‖²) of rows [n, d], in [−4t, 0]; low is spread. Wang & Isola 2020, eq. 4."""
    check(z, z)
    squared = torch.pdist(unit(z)).square()  # [n (n − 1) / 2]
    return (-t * squared).logsumexp(0) - math.log(len(squared))
