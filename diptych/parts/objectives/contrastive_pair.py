"""The first contrastive loss: pairs of one kind attract, others repel until a margin."""

from torch import Tensor

from diptych.parts.objectives._checks import above_zero, binary, per_row, rows
from diptych.parts.objectives._distances import row_distance


def contrastive_pair(z1: Tensor, z2: Tensor, *, same: Tensor, margin: float = 1.0) -> Tensor:
    """Two points of one class attract, two of different classes repel while nearer than the margin.

    z1, z2 [n, d], same [n] of 0 and 1, d = ‖z1 − z2‖:  L = mean [ same · ½d² + (1 − same) · ½ max(0, m − d)² ].
    Vectors are taken as they come. A mean over many negatives per positive drowns the positives: the caller keeps the
    two kinds balanced. Hadsell, Chopra & LeCun 2006, CVPR, eq. 4 (whose Y = 0 means "same").
    """
    rows(z1, z2)
    per_row(len(z1), same=same)
    binary(same=same)
    above_zero(margin=margin)
    distance = row_distance(z1, z2)  # [n]
    attract, repel = distance.square() / 2, (margin - distance).clamp_min(0).square() / 2
    return attract.where(same.bool(), repel).mean()
