"""The 2n × 2n logits of two stacked views, which SimCLR and its corrections share."""

from typing import NamedTuple

import torch
from torch import Tensor

from diptych.parts.objectives._similarity import check, cosine, have_negatives, same_object


class TwoViews(NamedTuple):
    """Cosine logits of the rows of [z1; z2]; the positive of row i is row (i + n) mod 2n."""

    logits: Tensor  # [a, 2n] of each anchor with every row
    positive: Tensor  # [a] with its other view
    own: Tensor  # [a, 2n]: the anchor itself
    kin: Tensor  # [a, 2n]: never negatives: the anchor, its other view, both views of the same object


def two_views(z1: Tensor, z2: Tensor, temperature: float, ids: Tensor | None = None) -> TwoViews:
    """Logits s/τ of two views [n, d], after the checks that all losses of this form need."""
    check(z1, z2, temperature, ids)
    n = len(z1)
    both = torch.cat([z1, z2])  # [2n, d]
    logits = cosine(both, both) / temperature  # [2n, 2n]
    positive = torch.cat([logits.diagonal(n), logits.diagonal(-n)])  # [2n]
    own = torch.eye(2 * n, dtype=torch.bool, device=z1.device)
    return TwoViews(logits, positive, own, same_object(ids, n, z1.device).repeat(2, 2))


def with_negatives(views: TwoViews) -> TwoViews:
    """The anchors that have a negative; an error where no anchor has one."""
    anchors = have_negatives(views.kin)  # [2n]
    return TwoViews(*(part[anchors] for part in views))
