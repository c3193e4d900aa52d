"""Random crops of a batch of images, one geometry per sample, by one resampling."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

SMALLEST_CROP = 36  # pixels: 6 × 6 of a digit is the least that shows a stroke


def uniform(n: int, low: float | Tensor, high: float | Tensor, rng: torch.Generator) -> Tensor:
    """n draws from U(low, high); bounds may be [n]."""
    return low + (high - low) * torch.rand(n, generator=rng, device=rng.device)


def crop(x: Tensor, rng: torch.Generator, *, min_area: float, max_aspect: float, flip: float = 0.0) -> Tensor:
    """A window of area U(min_area, 1) and aspect in 1/max_aspect … max_aspect, resized back, mirrored with p = flip.

    x [n, C, H, W] -> the same shape. The aspect is drawn, log-uniformly, among those that fit the image. NaN stays NaN.
    """
    n, _, height, width = x.shape
    smallest = min(SMALLEST_CROP / (height * width), 1.0)
    area = uniform(n, max(min_area, smallest), 1.0, rng)  # [n]
    widest = area.log().neg().clamp_max(math.log(max_aspect))  # [n]: both sides stay ≤ 1
    aspect = uniform(n, -widest, widest, rng).exp()
    w, h = (area * aspect).sqrt(), (area / aspect).sqrt()  # [n], shares of the image's sides
    x0, y0 = uniform(n, w - 1, 1 - w, rng), uniform(n, h - 1, 1 - h, rng)  # [n], centres; the image spans −1 … 1
    mirrored = 1 - 2 * (uniform(n, 0.0, 1.0, rng) < flip).float()
    zero = torch.zeros_like(w)
    theta = torch.stack([torch.stack([w * mirrored, zero, x0], 1), torch.stack([zero, h, y0], 1)], 1)  # [n, 2, 3]
    return _resample(x, F.affine_grid(theta.to(x.dtype), list(x.shape), align_corners=False))


def _resample(x: Tensor, grid: Tensor) -> Tensor:
    """Bilinear; a pixel is missing where most of what it is made of is missing."""
    if not x.isnan().any():
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    pair = torch.cat([x.nan_to_num(0.0), (~x.isnan()).to(x.dtype)], 1)  # [n, 2C, H, W]
    value, seen = F.grid_sample(pair, grid, padding_mode="border", align_corners=False).chunk(2, 1)
    return torch.where(seen > 0.5, value / seen, torch.nan)
