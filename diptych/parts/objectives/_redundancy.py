"""What Barlow Twins and VICReg share."""

import torch
from torch import Tensor

from diptych.parts.objectives._checks import rows


def check(z1: Tensor, z2: Tensor) -> None:
    """Raise with the reason where statistics over the batch have no meaning."""
    rows(z1, z2)
    if len(z1) < 2:
        raise ValueError(f"a batch of {len(z1)} has no variance; at least 2 samples are needed (train.batch_size)")


def off_diagonal(matrix: Tensor) -> Tensor:
    """Σ_{i≠j} m_ij² of a matrix [d, d]."""
    own = torch.eye(len(matrix), dtype=torch.bool, device=matrix.device)
    return matrix.masked_fill(own, 0).square().sum()
