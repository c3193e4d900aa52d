"""Vectors of length one."""

import torch
from torch import Tensor
from torch.nn import functional as F

from diptych.parts.objectives._precision import single

SMALLEST_NORM = 1e-6  # below it a vector counts as zero; bounds the gradient of the normalisation by 1e6


def unit(z: Tensor) -> Tensor:
    """Rows of `z` [n, d] at length one, in at least float32 also under autocast."""
    with torch.autocast(z.device.type, enabled=False):
        return F.normalize(single(z), dim=-1, eps=SMALLEST_NORM)
