"""The two-way objective of CLIP."""

from torch import Tensor

from diptych.parts.objectives._checks import above_zero
from diptych.parts.objectives._similarity import check, cosine, one_way


def clip(z1: Tensor, z2: Tensor, *, logit_scale: Tensor | float, ids: Tensor | None = None) -> Tensor:
    """Each sample finds its partner in the other modality, both ways; within a modality nothing is a negative.

    z1, z2 [n, d]; S = scale · cos(z1, z2) [n, n]:  L = ½ (CE(S, diagonal) + CE(Sᵀ, diagonal)).
    `ids` [n] hides partners of the same object. Radford et al. 2021, arXiv 2103.00020, fig. 3.
    """
    check(z1, z2, ids=ids)
    above_zero(logit_scale=logit_scale)
    logits = logit_scale * cosine(z1, z2)  # [n, n]
    return (one_way(logits, ids) + one_way(logits.mT, ids)) / 2
