"""Who is a positive and who a negative in a batch with labels."""

import torch
from torch import Tensor

from diptych.parts.objectives._checks import per_row, rows


def positives(z: Tensor, labels: Tensor) -> Tensor:
    """Boolean [n, n]: another row of the anchor's label; an error where no anchor has one. z [n, d], labels [n]."""
    rows(z)
    per_row(len(z), labels=labels)
    same = labels[:, None] == labels[None, :]  # [n, n]
    positive = same & ~torch.eye(len(z), dtype=torch.bool, device=z.device)
    if not positive.any():
        raise ValueError(f"no anchor has a positive: the {len(z)} labels all differ; two rows of one label are needed")
    return positive


def negatives(labels: Tensor) -> Tensor:
    """Boolean [n, n]: a row of another label; an error where all labels [n] are equal."""
    other = labels[:, None] != labels[None, :]  # [n, n]
    if not other.any():
        raise ValueError(f"no anchor has a negative: all {len(labels)} labels are equal; two labels are needed")
    return other
