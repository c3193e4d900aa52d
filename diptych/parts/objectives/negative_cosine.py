"""Predict the other view's target, without negatives: SimSiam and BYOL.

p1, p2 [n, d] are predictions, z1, z2 [n, d] projections (of the same network, or of its moving average): compared by
cosine and crosswise. Targets carry no gradient. The optimum is the value of collapse as well: watch the health metrics.
"""

from torch import Tensor

from diptych.parts.objectives._checks import rows
from diptych.parts.objectives._similarity import row_cosine


def negative_cosine(p1: Tensor, p2: Tensor, z1: Tensor, z2: Tensor) -> Tensor:
    """Each prediction points where the other view's projection points; in [−1, 1].

    L = −½ mean_i [ s(p1_i, sg z2_i) + s(p2_i, sg z1_i) ]. Chen & He 2021 (SimSiam), arXiv 2011.10566, eq. 4.
    """
    rows(p1, p2, z1, z2)
    return -(row_cosine(p1, z2.detach()) + row_cosine(p2, z1.detach())).mean() / 2


def byol(p1: Tensor, p2: Tensor, z1: Tensor, z2: Tensor) -> Tensor:
    """Each prediction equals the other view's target on the sphere; the sum of both directions, in [0, 8].

    L = mean_i [ ‖p̂1_i − sg ẑ2_i‖² + ‖p̂2_i − sg ẑ1_i‖² ], ‖p̂ − ẑ‖² = 2 − 2 s(p, z).
    Grill et al. 2020, arXiv 2006.07733, eq. 2.
    """
    return 4 + 4 * negative_cosine(p1, p2, z1, z2)
