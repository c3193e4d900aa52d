"""Lifted structure: every positive pair against all negatives of the batch. Distances of the vectors as they come."""

import torch
from torch import Tensor

from diptych.parts.objectives._checks import at_least_zero
from diptych.parts.objectives._distances import all_distances
from diptych.parts.objectives._labels import negatives, positives
from diptych.parts.objectives._similarity import log_sum_exp


def lifted_structure(z: Tensor, *, labels: Tensor, margin: float) -> Tensor:
    """Each positive pair is nearer than the negatives of both its ends, by a smooth maximum.

    z [n, d], labels [n], P = unordered positive pairs:  L = 1/(2|P|) Σ_{(i,j)∈P} max(0, J_ij)²,
    J_ij = log( Σ_{k∈N(i)} e^{m − d_ik} + Σ_{l∈N(j)} e^{m − d_jl} ) + d_ij.
    Oh Song et al. 2016, arXiv 1511.06452, eq. 4.
    """
    at_least_zero(margin=margin)
    positive, negative, distance = positives(z, labels), negatives(labels), all_distances(z)  # [n, n] each
    push = log_sum_exp(margin - distance, ~negative)  # [n]
    i, j = positive.triu().nonzero(as_tuple=True)  # [p]
    cost = torch.logaddexp(push[i], push[j]) + distance[i, j]  # [p]
    return cost.clamp_min(0).square().mean() / 2


def lifted_structure_generalised(z: Tensor, *, labels: Tensor, margin: float) -> Tensor:
    """Each anchor has all its positives nearer than all its negatives, by smooth maxima.

    z [n, d], labels [n]:  L = mean over anchors with a positive of max(0, lse_p d_ap + lse_n (m − d_an)).
    Hermans et al. 2017, arXiv 1703.07737, sec. 2.
    """
    at_least_zero(margin=margin)
    positive, negative, distance = positives(z, labels), negatives(labels), all_distances(z)  # [n, n] each
    anchors = positive.any(1)  # [n]
    pull = log_sum_exp(distance[anchors], ~positive[anchors])  # [a]
    push = log_sum_exp(margin - distance[anchors], ~negative[anchors])  # [a]
    return (pull + push).clamp_min(0).mean()
