"""A small convolutional network for images of 8 to 72 pixels."""

from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from diptych.batch import Input
from diptych.encoders._pixels import ImageEncoder


class Conv(ImageEncoder):
    """Three 3×3 convolutions with batch norm and ReLU, global mean: the conv-3 of 32–64–128 channels.

    A pixel is standardised by the channel's mean and deviation over the training split; a missing one becomes 0,
    the mean. Kept small because a step of ResNet-18 costs a hundred times more.
    """

    modality = "image"

    def __init__(self, facts: dict[str, Any], *, dim: int = 128) -> None:
        super().__init__(facts)
        if dim % 4:
            raise ValueError(f"encoder.dim of conv must be a multiple of 4, it is {dim}")
        self.dim = dim
        widths = (facts["shape"][0], dim // 4, dim // 2, dim)
        strides = (1, 2, 2)
        self.layers = nn.Sequential(*(_layer(i, o, s) for (i, o), s in zip(pairwise(widths), strides, strict=True)))

    def forward(self, x: Input) -> Tensor:
        """Images [n, C, H, W] in 0..1 -> [n, dim]."""
        pixels = self.standardised(x).contiguous(memory_format=torch.channels_last)  # a quarter faster on a CPU
        maps = self.layers(pixels)  # [n, dim, H/4, W/4]
        return cast(Tensor, maps.mean((2, 3)))


def _layer(d_in: int, d_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(d_in, d_out, 3, stride, padding=1, bias=False), nn.BatchNorm2d(d_out), nn.ReLU(inplace=True)
    )
