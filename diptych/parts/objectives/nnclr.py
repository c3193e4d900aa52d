"""The objective of NNCLR: the positive is the nearest neighbour of the other view."""

from torch import Tensor

from diptych.parts.objectives.info_nce import info_nce


def nnclr(neighbour: Tensor, predicted: Tensor, *, temperature: float, ids: Tensor | None = None) -> Tensor:
    """The neighbour of each sample's first view finds the prediction of its second among the n predictions.

    neighbour q, predicted p [n, d]:  L = 1/n Σ_i [ lse_j s(q_i, p_j)/τ − s(q_i, p_i)/τ ], by cosine, one direction.
    Neighbours come out of the support set and carry no gradient; `ids` [n] hides predictions of the same object.
    Dwibedi et al. 2021, arXiv 2104.14548, sec. 3.2.
    """
    return info_nce(neighbour.detach(), predicted, temperature=temperature, ids=ids)
