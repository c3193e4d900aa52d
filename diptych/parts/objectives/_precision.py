"""Losses run in at least float32, whatever the network runs in."""

from typing import Any, cast

import torch
from torch import Tensor


def single(z: Tensor) -> Tensor:
    """`z` in at least float32: half precision overflows at exp(12) and keeps three digits."""
    return z.to(torch.promote_types(z.dtype, torch.float32))


def product(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product [n, m] of `a` [n, d] and `b` [d, m] in at least float32, also under autocast."""
    with torch.autocast(a.device.type, enabled=False):
        return single(a) @ single(b)


def gram(z: Tensor) -> Tensor:
    """Inner products [m, k, k] of the rows of each of m groups `z` [m, k, d], in at least float32."""
    return cast(Tensor, _Gram.apply(z))  # type: ignore[no-untyped-call]


class _Gram(torch.autograd.Function):
    """A symmetric product has one product as its gradient, where autograd takes two."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return product(z, z.mT)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return product(g + g.mT, z).to(z.dtype)
