"""Geometry of image views: one window per sample, one resampling for the whole batch."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

SMALLEST_CROP = 36  # pixels: 6 × 6 of a digit is the least that shows a stroke


@dataclass(frozen=True)
class Windows:
    """One rectangle per image, [n] each, in an image that spans −1 … 1; a negative width is a mirrored window."""

    width: Tensor  # share of the image's width, which is half the rectangle's extent
    height: Tensor
    x: Tensor  # centre
    y: Tensor


def uniform(n: int, low: float | Tensor, high: float | Tensor, rng: torch.Generator) -> Tensor:
    """n draws from U(low, high); bounds may be [n]."""
    return low + (high - low) * torch.rand(n, generator=rng, device=rng.device)


def shares(**settings: float) -> None:
    """Refuse a setting of a view that is no share or probability."""
    for name, value in settings.items():
        if not 0 <= value <= 1:
            raise ValueError(f"view.{name} must lie between 0 and 1, it is {value}")


def mirroring(facts: dict[str, Any], flip: float) -> float:
    """The probability of a mirror image: 0 where it means something else, as it does of digits and letters."""
    return flip if facts["mirrored"] else 0.0


def cropping(facts: dict[str, Any], *, min_area: float, flip: float) -> Callable[[Tensor, torch.Generator], Tensor]:
    """`crop` with the settings of a view."""
    shares(min_area=min_area, flip=flip)
    return partial(crop, min_area=min_area, flip=mirroring(facts, flip))


def crop(x: Tensor, rng: torch.Generator, *, min_area: float, max_aspect: float = 4 / 3, flip: float = 0.0) -> Tensor:
    """A window of area U(min_area, 1) and aspect in 1/max_aspect … max_aspect, resized back, mirrored with p = flip.

    x [n, C, H, W] -> the same shape. The aspect is drawn, log-uniformly, among those that fit the image. NaN stays NaN.
    """
    return cut(x, mirror(windows(x, rng, areas=(min_area, 1.0), max_aspect=max_aspect), flip, rng))


def windows(x: Tensor, rng: torch.Generator, *, areas: tuple[float, float], max_aspect: float = 4 / 3) -> Windows:
    """A random window for each of the images [n, C, H, W]: its area between two shares, anywhere inside."""
    n, _, height, width = x.shape
    low, high = areas
    low = min(max(low, SMALLEST_CROP / (height * width)), high)
    area = uniform(n, low, high, rng)  # [n]
    widest = area.log().neg().clamp_max(math.log(max_aspect))  # [n]: both sides stay ≤ 1
    aspect = uniform(n, -widest, widest, rng).exp()
    w, h = (area * aspect).sqrt(), (area / aspect).sqrt()
    return Windows(w, h, x=uniform(n, w - 1, 1 - w, rng), y=uniform(n, h - 1, 1 - h, rng))


def mirror(found: Windows, flip: float, rng: torch.Generator) -> Windows:
    """Each window mirrored left to right with p = flip."""
    sign = 1 - 2 * (uniform(len(found.width), 0.0, 1.0, rng) < flip).float()
    return replace(found, width=found.width * sign)


def cut(x: Tensor, found: Windows, size: tuple[int, int] | None = None) -> Tensor:
    """The windows of images [n, C, H, W] in 0..1, resized to `size`, which is H × W where nothing is said."""
    height, width = size or (x.shape[2], x.shape[3])
    across, down = _places(found.x, found.width, width), _places(found.y, found.height, height)  # [n, W], [n, H]
    shape = (len(x), height, width)
    places = across[:, None].expand(shape), down[:, :, None].expand(shape)
    grid = torch.view_as_real(torch.complex(*places))  # [n, H, W, 2]; affine_grid takes as long as all the rest
    return _resample(x, grid).clamp_(0, 1)  # weights sum to 1 ± rounding


def _places(centre: Tensor, share: Tensor, length: int) -> Tensor:
    """Where the middles of `length` pixels of a window lie along an axis that spans −1 … 1: [n, length]."""
    middles = (2 * torch.arange(length, device=centre.device) + 1) / length - 1  # [length]
    return centre[:, None] + share[:, None] * middles


def missing(x: Tensor) -> bool:
    """Whether any value is NaN: then so is the sum, which is found ten times faster."""
    return bool(x.sum().isnan())


def _resample(x: Tensor, grid: Tensor) -> Tensor:
    """Bilinear; a pixel is missing where most of what it is made of is missing."""
    if not missing(x):
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    pair = torch.cat([x.nan_to_num(0.0), (~x.isnan()).to(x.dtype)], 1)  # [n, 2C, H, W]
    value, seen = F.grid_sample(pair, grid, padding_mode="border", align_corners=False).chunk(2, 1)
    return torch.where(seen > 0.5, value / seen, torch.nan)
