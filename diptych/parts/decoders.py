"""From a code back to the sample."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from diptych.parts.heads import mlp

HIDDEN = 256  # width of a table decoder's hidden layer


def decoder(dim: int, facts: Mapping[str, Any]) -> nn.Module:
    """From a code [n, dim] to images in 0..1, series [n, T, C] or table rows [n, F], as the facts of the sample say."""
    if facts["modality"] == "series":  # linear: an encoder of series is deep enough
        return nn.Sequential(nn.Linear(dim, math.prod(facts["shape"])), nn.Unflatten(1, tuple(facts["shape"])))
    if facts["modality"] == "tabular":
        return mlp(dim, HIDDEN, facts["shape"][0])
    return ImageDecoder(dim, tuple(facts["shape"]))


class ImageDecoder(nn.Module):
    """The mirror of a small convolutional encoder: a map of an eighth of the side, doubled three times.

    Linear, then three times (nearest ×2, 3×3 convolution, batch norm, ReLU) from dim to dim/8 channels, a convolution
    and a sigmoid. Where a side is no multiple of 8 the surplus is cut off.
    """

    def __init__(self, dim: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, self.height, self.width = shape
        self.start = (dim, -(-self.height // 8), -(-self.width // 8))
        self.spread = nn.Linear(dim, dim * self.start[1] * self.start[2])
        widths = [dim, *(max(dim // 2**step, 8) for step in (1, 2, 3))]
        self.grow = nn.Sequential(*(_doubled(*ends) for ends in pairwise(widths)))
        self.pixels = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, code: Tensor) -> Tensor:
        """[n, dim] -> images [n, C, H, W] in 0..1."""
        maps = self.grow(self.spread(code).unflatten(1, self.start))  # [n, dim/8, H or more, W or more]
        return cast(Tensor, self.pixels(maps)[..., : self.height, : self.width].sigmoid())


def _doubled(d_in: int, d_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=2), nn.Conv2d(d_in, d_out, 3, padding=1, bias=False), nn.BatchNorm2d(d_out), nn.ReLU()
    )


def squared_error(predicted: Tensor, target: Tensor) -> Tensor:
    """mean (predicted − target)² over the values of `target` that are not missing; both of one shape."""
    seen = ~target.isnan()
    error = torch.where(seen, predicted - target.nan_to_num(0.0), 0.0).square()
    return error.sum() / seen.sum().clamp_min(1)
