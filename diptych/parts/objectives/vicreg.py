"""The objective of VICReg: variance, invariance, covariance."""

from torch import Tensor

from diptych.parts.objectives._checks import at_least_zero
from diptych.parts.objectives._precision import product, single
from diptych.parts.objectives._redundancy import check, off_diagonal

DEVIATION = 1.0  # γ, the standard deviation that each feature keeps
EPSILON = 1e-4  # inside the root: bounds the gradient of a collapsed feature


def vicreg(z1: Tensor, z2: Tensor, *, invariance: float, variance: float, covariance: float) -> Tensor:
    """Views agree, each feature keeps a deviation of 1, and features are uncorrelated.

    z1, z2 [n, d] taken as they come, s = mean_id (z1 − z2)², v(z) = mean_d max(0, 1 − √(Var_d + 1e-4)),
    c(z) = 1/d Σ_{d≠d'} Cov_dd'² (variances and covariances with n − 1):
    L = λ s + μ ½(v(z1) + v(z2)) + ν (c(z1) + c(z2)), λ = invariance, μ = variance, ν = covariance.
    Bardes et al. 2022, arXiv 2105.04906, in the form of the public code, to which the published 25, 25, 1 belong (the
    printed eq. 5 and 6 sum s over d, and do not halve v).
    """
    check(z1, z2)
    at_least_zero(invariance=invariance, variance=variance, covariance=covariance)
    z1, z2 = single(z1), single(z2)
    agreement = (z1 - z2).square().mean()
    return invariance * agreement + sum(variance / 2 * _spread(z) + covariance * _redundancy(z) for z in (z1, z2))


def _spread(z: Tensor) -> Tensor:
    """How far features fall short of the wanted deviation."""
    return (DEVIATION - (z.var(0) + EPSILON).sqrt()).clamp_min(0).mean()


def _redundancy(z: Tensor) -> Tensor:
    """The squared covariances of different features over d."""
    centred = z - z.mean(0)  # [n, d]
    return off_diagonal(product(centred.mT, centred) / (len(z) - 1)) / z.shape[1]
