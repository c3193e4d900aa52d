"""What methods that learn from labels share."""

import torch
from torch import Tensor

from diptych.batch import Batch


def labels_of(batch: Batch) -> Tensor:
    """The labels [n] of a batch; an error where it has none."""
    if batch.label is None:
        raise ValueError("the batch has no labels; a supervised method needs them")
    return batch.label


def comparable(labels: Tensor) -> bool:
    """Whether the labels [n] hold both a pair of one class and a pair of two classes."""
    same = int((labels[:, None] == labels).sum())  # ordered pairs of one class, each row with itself included
    return len(labels) < same < len(labels) ** 2


def pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Rows [p] and their partners [p], two and two of one class; the odd row of a class stays out. labels [n]."""
    order = labels.argsort(stable=True)
    by_class = labels[order]
    rank = torch.arange(len(labels), device=labels.device) - torch.searchsorted(by_class, by_class)  # [n] in its class
    first = ((rank[:-1] % 2 == 0) & (by_class[:-1] == by_class[1:])).nonzero()[:, 0]  # [p]
    return order[first], order[first + 1]


def nothing(z: Tensor) -> Tensor:
    """The loss of a batch that holds nothing to compare: zero, with a gradient of zero."""
    return z.sum() * 0
