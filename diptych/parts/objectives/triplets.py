"""Triplet losses: an anchor nearer to its positive than to its negative, and three ways to choose triplets in a batch.

Vectors are taken as they come (FaceNet normalises them first); δ is the Euclidean distance, or its square where
`squared`. `margin` None is the soft margin of Hermans et al.: softplus(x) in place of max(0, x + m).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from diptych.parts.objectives._checks import at_least_zero, rows
from diptych.parts.objectives._distances import all_distances, row_distance
from diptych.parts.objectives._labels import negatives, positives


def triplet(anchor: Tensor, positive: Tensor, negative: Tensor, *, margin: float | None, squared: bool) -> Tensor:
    """Each anchor is nearer to its own positive than to its own negative by a margin.

    anchor, positive, negative [n, d]:  L = 1/n Σ_i max(0, δ(a_i, p_i) − δ(a_i, n_i) + m).
    Schroff et al. 2015 (FaceNet), arXiv 1503.03832, eq. 3 (squared; a sum).
    """
    rows(anchor, positive, negative)
    near, far = (_scaled(row_distance(anchor, other), squared) for other in (positive, negative))  # [n]
    return _hinge(near - far, margin).mean()


def triplet_batch_all(z: Tensor, *, labels: Tensor, margin: float | None, squared: bool) -> Tensor:
    """Every valid triplet of the batch: the mean over all of them, those that satisfy the margin included.

    z [n, d], labels [n]:  L = mean over (a, p, n), y_a = y_p ≠ y_n, a ≠ p, of max(0, δ_ap − δ_an + m).
    Hermans et al. 2017, arXiv 1703.07737, sec. 2. Memory: positive pairs × n.
    """
    positive, negative = positives(z, labels), negatives(labels)
    distance = _scaled(all_distances(z), squared)  # [n, n]
    anchor, near = positive.nonzero(as_tuple=True)  # [p] ordered positive pairs
    excess = distance[anchor, near][:, None] - distance.index_select(0, anchor)  # [p, n]
    valid = negative[anchor]  # [p, n]
    return _hinge(excess, margin).masked_fill(~valid, 0).sum() / valid.sum()


def triplet_batch_hard(z: Tensor, *, labels: Tensor, margin: float | None, squared: bool) -> Tensor:
    """Each anchor with its farthest positive and its nearest negative.

    z [n, d], labels [n]:  L = mean over anchors with a positive of max(0, max_p δ_ap − min_n δ_an + m).
    Hermans et al. 2017, arXiv 1703.07737, sec. 2. Collapse, a loss of exactly m, attracts it in the first epochs.
    """
    positive, negative = positives(z, labels), negatives(labels)
    distance = _scaled(all_distances(z), squared)  # [n, n]
    far = distance.masked_fill(~positive, -torch.inf).amax(1)  # [n]
    near = distance.masked_fill(~negative, torch.inf).amin(1)  # [n]
    anchors = positive.any(1)
    return _hinge(far[anchors] - near[anchors], margin).mean()


def triplet_semi_hard(z: Tensor, *, labels: Tensor, margin: float | None, squared: bool) -> Tensor:
    """Each positive pair with the nearest negative beyond the positive; without one, with the farthest negative.

    z [n, d], labels [n]:  L = mean over (a, p) of max(0, δ_ap − δ_an + m), n = argmin {δ_an > δ_ap}.
    Schroff et al. 2015, arXiv 1503.03832, eq. 4; the fallback is TensorFlow's, the paper has none.
    """
    positive, negative = positives(z, labels), negatives(labels)
    distance = _scaled(all_distances(z), squared)  # [n, n]
    anchor, near = positive.nonzero(as_tuple=True)  # [p] ordered positive pairs
    of_pair, to_all, allowed = distance[anchor, near], distance[anchor], negative[anchor]  # [p], [p, n], [p, n]
    beyond = allowed & (to_all > of_pair[:, None])  # [p, n]
    nearest = to_all.masked_fill(~beyond, torch.inf).amin(1)  # [p]
    farthest = to_all.masked_fill(~allowed, -torch.inf).amax(1)  # [p]
    return _hinge(of_pair - nearest.where(beyond.any(1), farthest), margin).mean()


def _scaled(distance: Tensor, squared: bool) -> Tensor:
    return distance.square() if squared else distance


def _hinge(excess: Tensor, margin: float | None) -> Tensor:
    """max(0, x + m), or its smooth form where there is no margin."""
    if margin is None:
        return F.softplus(excess)
    at_least_zero(margin=margin)
    return (excess + margin).clamp_min(0)
