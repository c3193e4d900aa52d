"""ResNet-18 for images of 8 to 72 pixels."""

from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from diptych.batch import Input
from diptych.encoders._pixels import ImageEncoder


class Resnet18(ImageEncoder):
    """Four stages of two basic blocks behind the CIFAR stem (3×3, stride 1, no max-pool), global mean.

    He et al. 2016 (arXiv 1512.03385); the stem as SimCLR has it for CIFAR (2002.05709, appendix B.9). The embedding
    has 8 · width values. `zero_init_residual` starts every block as the identity (1706.02677, section 5.1).
    """

    modality = "image"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        width: int = 64,
        blocks: tuple[int, ...] = (2, 2, 2, 2),
        zero_init_residual: bool = False,
    ) -> None:
        super().__init__(facts)
        if width < 1 or not blocks or min(blocks) < 1:
            raise ValueError(f"resnet18 needs encoder.width and encoder.blocks of at least 1: {width}, {blocks}")
        widths = [width * 2**stage for stage in range(len(blocks))]
        self.dim = widths[-1]
        self.stem = _convolution(facts["shape"][0], width, 1)
        ends = pairwise([width, *widths])
        self.stages = nn.Sequential(*(_stage(*end, count) for end, count in zip(ends, blocks, strict=True)))
        self._initialise(zero_init_residual)

    def _initialise(self, zero_init_residual: bool) -> None:
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(part, _Block) and zero_init_residual:
                nn.init.zeros_(part.norm.weight)

    def forward(self, x: Input) -> Tensor:
        """Images [n, C, H, W] in 0..1 -> [n, dim]."""
        pixels = self.standardised(x).contiguous(memory_format=torch.channels_last)  # faster on a CPU
        maps = self.stages(self.stem(pixels).relu_())  # [n, dim, H/8, W/8]
        return cast(Tensor, maps.mean((2, 3)))


def _convolution(d_in: int, d_out: int, stride: int, size: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(d_in, d_out, size, stride, padding=size // 2, bias=False), nn.BatchNorm2d(d_out))


def _stage(d_in: int, d_out: int, count: int) -> nn.Sequential:
    """Blocks of one width; where the width grows, the map's sides are halved."""
    rest = (_Block(d_out, d_out, 1) for _ in range(count - 1))
    return nn.Sequential(_Block(d_in, d_out, 1 if d_in == d_out else 2), *rest)


class _Block(nn.Module):
    """Two 3×3 convolutions plus the input, which a 1×1 convolution brings to another shape."""

    def __init__(self, d_in: int, d_out: int, stride: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(d_in, d_out, stride), _convolution(d_out, d_out, 1)
        same = stride == 1 and d_in == d_out
        self.shortcut = nn.Identity() if same else _convolution(d_in, d_out, stride, size=1)

    @property
    def norm(self) -> nn.BatchNorm2d:
        """The last batch norm, which scales what the block adds."""
        return cast(nn.BatchNorm2d, self.second[1])

    def forward(self, x: Tensor) -> Tensor:
        inner = self.second(self.first(x).relu_())
        return cast(Tensor, (inner + self.shortcut(x)).relu_())
