"""The network that makes the views of viewmaker."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diptych.parts.reversal import reversed_gradient

STRIDE = 4  # the network works at a quarter of the side
SMALLEST = 5  # pixels: the reflection of a 9×9 convolution takes 4 besides the border itself
EPSILON = 1e-4  # beside the mean distortion, as in the public code


class ViewGenerator(nn.Module):
    """Adds a stochastic distortion of a fixed size to an image; its gradient is reversed, so it works against the loss.

    δ = tanh(net(x, noise)), δ ← ε δ / (mean |δ| + 1e-4) per image (always the full budget), view = clamp(x + δ, 0, 1).
    Convolutions 9×9 and two 3×3 of stride 2 (to `width`, twice and four times as many channels), residual blocks with
    one more channel of noise each, two doublings, a convolution 9×9; instance norm. Tamkin, Wu, Goodman 2021, arXiv
    2010.07432, section 3, and `src/models/viewmaker.py` of its code.
    """

    def __init__(self, channels: int, *, budget: float, blocks: int, width: int) -> None:
        super().__init__()
        if budget < 0:
            raise ValueError(f"the budget of a viewmaker must not be negative, it is {budget}")
        self.budget = budget
        thin, middle, wide = width, 2 * width, 4 * width
        self.shrink = nn.Sequential(
            _Layer(channels + 1, thin, 9), _Layer(thin, middle, 3, 2), _Layer(middle, wide, 3, 2)
        )
        self.blocks = nn.ModuleList(_Residual(wide + block) for block in range(1, blocks + 1))
        double = nn.Upsample(scale_factor=2)
        self.grow = nn.Sequential(double, _Layer(wide + blocks, middle, 3), double, _Layer(middle, thin, 3))
        self.draw = nn.Conv2d(thin, channels, 9)

    def forward(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """A view of images [n, C, H, W] in 0..1; a missing pixel stays missing."""
        return (x + reversed_gradient(self.distortion(x, rng))).clamp(0, 1)

    def distortion(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """δ [n, C, H, W] with mean |δ| = ε in every image."""
        height, width = x.shape[2:]
        if min(height, width) < SMALLEST:
            raise ValueError(f"viewmaker needs images of at least {SMALLEST} pixels a side, these are {height}×{width}")
        # A side that is no multiple of 4 is filled up with zeros, and the surplus of δ cut off.
        maps = self.shrink(_with_noise(F.pad(x.nan_to_num(0.0), (0, -width % STRIDE, 0, -height % STRIDE)), rng))
        for block in self.blocks:
            maps = block(_with_noise(maps, rng))
        delta = self.draw(_reflected(self.grow(maps), 4))[..., :height, :width].tanh()
        return cast(Tensor, self.budget * delta / (delta.abs().mean((1, 2, 3), keepdim=True) + EPSILON))


class _Layer(nn.Module):
    """Convolution over a reflected border, instance norm, ReLU."""

    def __init__(self, d_in: int, d_out: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(d_in, d_out, size, stride, bias=False)
        self.norm = nn.InstanceNorm2d(d_out, affine=True)

    def linear(self, x: Tensor) -> Tensor:
        """All but the ReLU."""
        return cast(Tensor, self.norm(self.convolution(_reflected(x, self.convolution.kernel_size[0] // 2))))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).relu()


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _Layer(width, width, 3), _Layer(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second.linear(self.first(x))


def _with_noise(maps: Tensor, rng: torch.Generator) -> Tensor:
    """One more channel of U(0, 1): [n, C, h, w] -> [n, C + 1, h, w]."""
    n, _, height, width = maps.shape
    return torch.cat([maps, torch.rand(n, 1, height, width, generator=rng, device=maps.device)], 1)


def _reflected(x: Tensor, border: int) -> Tensor:
    """[n, C, h, w] with `border` pixels mirrored about each edge; F.pad's own gradient is not deterministic on CUDA."""
    for axis in (2, 3):
        size = x.shape[axis]
        before, after = x.narrow(axis, 1, border), x.narrow(axis, size - 1 - border, border)
        x = torch.cat([before.flip(axis), x, after.flip(axis)], axis)
    return x
