"""Gradient reversal: what is before it ascends where all that is after it descends."""

from typing import Any, cast

import torch
from torch import Tensor


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return -gradients[0]


def reversed_gradient(x: Tensor) -> Tensor:
    """The identity, whose gradient is −1 times the incoming one. Ganin & Lempitsky 2015, arXiv 1409.7495."""
    return cast(Tensor, _Reversal.apply(x))  # type: ignore[no-untyped-call]
