"""What happens to the pixels of an image view after its crop, with parameters of its own for every sample."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.views._images import missing, uniform

LUMA = (0.299, 0.587, 0.114)  # Rec. 601
YIQ = (LUMA, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))
SHARP = 36  # sides of up to so many pixels are never blurred: the papers' kernel, a tenth of the side, is 3 pixels
AT_ONCE = 1 << 20  # values of a part of a batch on the CPU: what is made of larger ones leaves cache and heap each time


@dataclass(frozen=True)
class Appearance:
    """Jitter, grey, blur, solarise and cutout, in this order; a missing pixel stays missing.

    Chen et al. 2020 (arXiv 2002.05709, appendix A), solarise from Grill et al. 2020 (2006.07733, appendix B), cutout
    from DeVries & Taylor 2017 (1708.04552). All but `strength` and `saturation` are probabilities.
    """

    strength: float  # of the jitter: 1 for ImageNet, 0.5 for CIFAR
    grey: float
    saturation: float = 0.8  # largest change of saturation at strength 1
    blur: float = 0.0
    solarise: float = 0.0
    cutout: float = 0.0

    def __call__(self, x: Tensor, rng: torch.Generator, out: Tensor | None = None) -> Tensor:
        """Images [n, C, H, W] in 0..1 -> the same shape and range; in the memory of `out`, if it can be."""
        if not missing(x):
            return self._change(x, rng, out)
        gaps, mean = x.isnan(), x.nanmean((2, 3), keepdim=True).nan_to_num(0.0)  # [n, C, H, W], [n, C, 1, 1]
        return self._change(torch.where(gaps, mean, x), rng, out).masked_fill(gaps, torch.nan)

    def _change(self, x: Tensor, rng: torch.Generator, out: Tensor | None) -> Tensor:
        x = jitter(x, rng, strength=self.strength, grey=self.grey, saturation=self.saturation, out=out)
        if self.blur and min(x.shape[2:]) > SHARP:
            x = blur_(x, rng, p=self.blur)
        if self.solarise:
            x = solarise(x, rng, p=self.solarise)
        return cutout(x, rng, p=self.cutout) if self.cutout else x


@dataclass(frozen=True)
class Look:
    """One look at every image of a batch: a crop of it and what happens to its pixels."""

    crop: Callable[[Tensor, torch.Generator], Tensor]
    appearance: Appearance

    def __call__(self, batch: Batch, rng: torch.Generator) -> Batch:
        """Images [n, C, H, W] in 0..1 -> one view of them."""
        x = cast(Tensor, batch.x)
        looks = torch.empty_like(x, memory_format=torch.contiguous_format)
        count = max(math.ceil(x.numel() / AT_ONCE), 1) if x.device.type == "cpu" else 1
        for part, place in zip(x.chunk(count), looks.chunk(count), strict=True):
            look = self.appearance(self.crop(part, rng), rng, out=place)
            if look.data_ptr() != place.data_ptr():  # joining looks at the end took a tenth of the time
                place.copy_(look)
        return batch.with_x(looks)


def jitter(
    x: Tensor,
    rng: torch.Generator,
    *,
    strength: float,
    grey: float,
    saturation: float = 0.8,
    out: Tensor | None = None,
) -> Tensor:
    """Colours of images [n, C, H, W] changed with p = 0.8, and turned to grey with p = grey; values stay in 0..1.

    Brightness, contrast, saturation and hue act as one matrix per image (YIQ rotation, fixed order: a close relative
    of the papers' HSV jitter). One channel has no hue or saturation.
    """
    n, channels = x.shape[:2]
    changed = uniform(n, 0.0, 1.0, rng) < 0.8  # [n]
    brightness, contrast, vivid = (_factor(changed, s * strength, rng) for s in (0.8, 0.8, saturation))  # [n] each
    angle = changed * uniform(n, -0.2 * strength, 0.2 * strength, rng) * 2 * math.pi  # hue
    vivid = vivid * (uniform(n, 0.0, 1.0, rng) >= grey)
    plain = torch.eye(channels, device=x.device).expand(n, -1, -1)
    colour = brightness[:, None, None] * (_colour_matrix(vivid, angle) if channels == 3 else plain)  # [n, C, C]
    luma = torch.tensor(LUMA if channels == 3 else [1 / channels] * channels, device=x.device)
    middle = (colour @ x.mean((2, 3))[..., None]).mT @ luma  # [n, 1], mean luma, which contrast keeps
    offset = ((1 - contrast)[:, None] * middle)[..., None]  # [n, 1, 1]
    colours = contrast[:, None, None] * colour  # [n, C, C]
    pixels = torch.bmm(colours, x.flatten(2), out=None if out is None else out.flatten(2))
    return pixels.add_(offset).clamp_(0, 1).view(x.shape)  # baddbmm would spread the offset


def _factor(changed: Tensor, spread: float, rng: torch.Generator) -> Tensor:
    """U(1 − spread, 1 + spread) where changed, else 1: [n]."""
    return torch.where(changed, uniform(len(changed), max(1 - spread, 0.0), 1 + spread, rng), 1.0)


def _colour_matrix(saturation: Tensor, angle: Tensor) -> Tensor:
    """RGB -> YIQ, rotate and scale the colour plane, -> RGB: [n, 3, 3]."""
    yiq = torch.tensor(YIQ, device=angle.device)
    turn = torch.zeros(len(angle), 3, 3, device=angle.device)
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = saturation * angle.cos()
    turn[:, 1, 2], turn[:, 2, 1] = -saturation * angle.sin(), saturation * angle.sin()
    return cast(Tensor, torch.linalg.inv(yiq) @ turn @ yiq)


def blur_(x: Tensor, rng: torch.Generator, *, p: float) -> Tensor:
    """A Gaussian of σ ~ U(0.1, 2) pixels with p; its kernel ends at a tenth of the side and at the image's border.

    In place: a copy of the images that stay sharp took a tenth of the time of all views.
    """
    chosen = (uniform(len(x), 0.0, 1.0, rng) < p).nonzero()[:, 0]  # the others cost nothing
    sigma = uniform(len(x), 0.1, 2.0, rng)[chosen]
    return x.index_copy_(0, chosen, _blurred(x[chosen], sigma)) if len(chosen) else x


def _blurred(x: Tensor, sigma: Tensor) -> Tensor:
    """Images [n, C, H, W], each under a Gaussian of its own σ [n]; weights outside the image do not count."""
    radius = max(min(x.shape[2:]) // 20, 1)
    kernel = torch.exp(-0.5 * (torch.arange(radius + 1, device=x.device) / sigma[:, None]) ** 2)  # [n, k], one side
    rows, across = _along(x, kernel, 3)
    both, down = _along(rows, kernel, 2)
    return both.div_((down[:, :, None] * across[:, None])[:, None]).clamp_(0, 1)


def _along(x: Tensor, kernel: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """The weighted sum along an axis, and the part [n, length] of each kernel that lies inside at each place."""
    length = x.shape[axis]
    total, seen = x * kernel[:, 0, None, None, None], kernel[:, :1].repeat(1, length)
    for distance, weight in enumerate(kernel.T[1:, :, None], 1):  # [n, 1]
        for here, there in ((0, distance), (distance, 0)):  # neighbours on either side
            neighbour = x.narrow(axis, there, length - distance)
            total.narrow(axis, here, length - distance).addcmul_(neighbour, weight[:, None, None])
            seen.narrow(1, here, length - distance).add_(weight)
    return total, seen


def solarise(x: Tensor, rng: torch.Generator, *, p: float) -> Tensor:
    """x → 1 − x where x ≥ 0.5, with p."""
    chosen = uniform(len(x), 0.0, 1.0, rng)[:, None, None, None] < p
    return torch.where(chosen & (x >= 0.5), 1 - x, x)


def cutout(x: Tensor, rng: torch.Generator, *, p: float) -> Tensor:
    """A square of a quarter to half of the shorter side, anywhere inside, becomes the image's mean with p."""
    n, _, height, width = x.shape
    side = (min(height, width) * uniform(n, 0.25, 0.5, rng)).round()  # [n]
    rows, columns = _span(height, side, rng), _span(width, side, rng)  # [n, H], [n, W]
    chosen = uniform(n, 0.0, 1.0, rng) < p
    hidden = (rows & chosen[:, None])[:, None, :, None] & columns[:, None, None, :]  # [n, 1, H, W]
    return torch.where(hidden, x.mean((2, 3), keepdim=True), x)


def _span(length: int, side: Tensor, rng: torch.Generator) -> Tensor:
    """A run of `side` [n] places at random among `length`: boolean [n, length]."""
    start = uniform(len(side), 0.0, length - side + 1, rng).floor()[:, None]  # [n, 1]
    place = torch.arange(length, device=side.device)
    return (place >= start) & (place < start + side[:, None])
