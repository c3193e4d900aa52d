"""The multi-class N-pair loss."""

from torch import Tensor

from diptych.parts.objectives._checks import at_least_zero
from diptych.parts.objectives._precision import product, single
from diptych.parts.objectives._similarity import check, one_way


def n_pair(anchor: Tensor, positive: Tensor, *, l2: float, ids: Tensor | None = None) -> Tensor:
    """Each anchor finds its own positive among the positives of all pairs, by inner product; lengths are penalised.

    anchor, positive [n, d]:  L = 1/n Σ_i log(1 + Σ_{j≠i} exp(a_iᵀp_j − a_iᵀp_i)) + λ · 1/n Σ_i (‖a_i‖² + ‖p_i‖²).
    Vectors are taken as they come: on unit vectors it is InfoNCE with τ = 1. `ids` [n] hides positives of the same
    object, or of the same class. Sohn 2016 (NeurIPS), sec. 3.2.
    """
    check(anchor, positive, ids=ids)
    at_least_zero(l2=l2)
    lengths = single(anchor).square().sum(1) + single(positive).square().sum(1)  # [n]
    return one_way(product(anchor, positive.mT), ids) + l2 * lengths.mean()
