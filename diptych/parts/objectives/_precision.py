"""Losses run in at least float32, whatever the network runs in."""

import torch
from torch import Tensor


def single(z: Tensor) -> Tensor:
    """`z` in at least float32: half precision overflows at exp(12) and keeps three digits."""
    return z.to(torch.promote_types(z.dtype, torch.float32))


def product(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product [n, m] of `a` [n, d] and `b` [d, m] in at least float32, also under autocast."""
    with torch.autocast(a.device.type, enabled=False):
        return single(a) @ single(b)
