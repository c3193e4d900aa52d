"""Fixed positions of the patches of an image."""

import torch
from torch import Tensor


def sine_cosine(rows: int, columns: int, dim: int, device: torch.device) -> Tensor:
    """Positions [rows · columns, dim] in reading order: half the values tell the row, half the column.

    sin and cos of place / 10,000^(i / (dim/4)), the two-dimensional form of Vaswani et al. 2017 that MAE uses
    (arXiv 2111.06377, appendix A.1). `dim` is a multiple of 4.
    """
    row = torch.arange(rows, device=device).repeat_interleave(columns)  # [rows · columns]
    column = torch.arange(columns, device=device).repeat(rows)
    frequency = 10_000 ** (-torch.arange(dim // 4, device=device) / (dim / 4))  # [dim / 4]
    angles = (place[:, None] * frequency for place in (row, column))
    return torch.cat([wave for angle in angles for wave in (angle.sin(), angle.cos())], 1)
