"""The objective of Barlow Twins: redundancy reduction."""

from torch import Tensor

from diptych.parts.objectives._checks import at_least_zero
from diptych.parts.objectives._precision import product, single
from diptych.parts.objectives._redundancy import check, off_diagonal

EPSILON = 1e-5  # of the batch normalisation in the public code


def barlow_twins(z1: Tensor, z2: Tensor, *, off_diagonal_weight: float) -> Tensor:
    """Each feature agrees between the views and is uncorrelated with every other feature.

    z1, z2 [n, d], standardised here over the batch (population variance + 1e-5):  C = ẑ1ᵀẑ2 / n [d, d],
    L = Σ_i (1 − C_ii)² + λ Σ_{i≠j} C_ij², a sum over entries: its scale grows with d.
    Zbontar et al. 2021, arXiv 2103.03230, eq. 1 and 2.
    """
    check(z1, z2)
    at_least_zero(off_diagonal_weight=off_diagonal_weight)
    correlation = product(_standardised(z1).mT, _standardised(z2)) / len(z1)  # [d, d]
    return (1 - correlation.diagonal()).square().sum() + off_diagonal_weight * off_diagonal(correlation)


def _standardised(z: Tensor) -> Tensor:
    centred = single(z) - single(z).mean(0)  # [n, d]
    return centred / (centred.square().mean(0) + EPSILON).sqrt()
