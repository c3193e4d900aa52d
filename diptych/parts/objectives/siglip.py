"""The pairwise sigmoid objective of SigLIP."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from diptych.parts.objectives._checks import at_least_zero
from diptych.parts.objectives._similarity import check, cosine, same_object


def siglip(
    z1: Tensor, z2: Tensor, *, logit_scale: Tensor | float, logit_bias: Tensor | float, ids: Tensor | None = None
) -> Tensor:
    """Each of the n² pairs of the two modalities is classified on its own: partners or not.

    z1, z2 [n, d] compared by cosine, y_ij = 1 on the diagonal and −1 off it:
    L = −1/n Σ_ij log σ( y_ij (scale · s_ij + bias) ), over n, not n². `ids` [n]: a pair of one object off the diagonal
    is left out. Zhai et al. 2023, arXiv 2303.15343, sec. 3.2 and alg. 1.
    """
    check(z1, z2, ids=ids)
    at_least_zero(logit_scale=logit_scale)
    own = torch.eye(len(z1), dtype=torch.bool, device=z1.device)  # [n, n]
    logits = logit_scale * cosine(z1, z2) + logit_bias  # [n, n]
    likelihood = logsigmoid(logits.where(own, -logits))
    return -likelihood.masked_fill(same_object(ids, len(z1), z1.device) & ~own, 0).sum() / len(z1)
