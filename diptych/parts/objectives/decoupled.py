"""Decoupled contrastive learning (DCL): NT-Xent without the positive in the denominator, for small batches.

The values may be below 0. A row whose object (`ids` [n]) fills the batch has no negative and is no anchor.
"""

from torch import Tensor

from diptych.parts.objectives._checks import above_zero
from diptych.parts.objectives._similarity import log_sum_exp
from diptych.parts.objectives._two_views import TwoViews, two_views, with_negatives


def decoupled(z1: Tensor, z2: Tensor, *, temperature: float, ids: Tensor | None = None) -> Tensor:
    """Each of 2n rows is near its other view and far from the 2n − 2 rows of other samples, by cosine.

    z1, z2 [n, d]; A = [z1; z2]:  L = 1/2n Σ_i [ lse_{u∉{i, pos(i)}} s(A_i, A_u)/τ − s(A_i, A_pos(i))/τ ].
    Yeh et al. 2022, arXiv 2110.06848, sec. 3 (DCL).
    """
    return _mean(two_views(z1, z2, temperature, ids))


def decoupled_weighted(
    z1: Tensor, z2: Tensor, *, temperature: float, sigma: float, ids: Tensor | None = None
) -> Tensor:
    """The decoupled objective with distant positive pairs weighted up.

    z1, z2 [n, d]:  as `decoupled`, the positive term of both views of sample i times
    w_i = 2 − n · softmax_i(s(z1_i, z2_i)/σ); weights have mean 1 and no gradient.
    Yeh et al. 2022, arXiv 2110.06848, sec. 3 (DCLW).
    """
    above_zero(sigma=sigma)
    views = two_views(z1, z2, temperature, ids)
    similarity = views.positive[: len(z1)].detach() * temperature  # [n]
    weights = 2 - len(z1) * (similarity / sigma).softmax(0)  # [n]
    return _mean(views._replace(positive=views.positive * weights.repeat(2)))


def _mean(views: TwoViews) -> Tensor:
    anchors = with_negatives(views)
    return (log_sum_exp(anchors.logits, anchors.kin) - anchors.positive).mean()
