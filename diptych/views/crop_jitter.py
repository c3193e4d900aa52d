"""The image views of SimCLR."""

import math
from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._images import crop, uniform

LUMA = (0.299, 0.587, 0.114)  # Rec. 601
YIQ = (LUMA, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


class CropJitter(View):
    """Two random crops, mirrored and colour-jittered: SimCLR (arXiv 2002.05709, appendix A) for small images.

    Brightness, contrast, saturation and hue act as one matrix per image (YIQ rotation, fixed order: a close relative
    of the paper's HSV jitter). No blur: at these sizes its kernel is 3 pixels, and the paper leaves it out for CIFAR
    too. min_area 0.2 in place of 0.08, which would be an 8 × 8 patch of 28 × 28. One channel has no hue or saturation.
    """

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        min_area: float = 0.2,
        strength: float = 0.5,
        grey: float = 0.2,
        flip: float = 0.5,
    ) -> None:
        super().__init__(facts)
        self.min_area, self.strength, self.grey = min_area, strength, grey
        self.flip = flip if facts["mirrored"] else 0.0  # where a mirror image means something else, never

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two views of images [n, C, H, W] in 0..1."""
        return batch.with_x(self._view(batch, rng)), batch.with_x(self._view(batch, rng))

    def _view(self, batch: Batch, rng: torch.Generator) -> Tensor:
        x = crop(cast(Tensor, batch.x), rng, min_area=self.min_area, max_aspect=4 / 3, flip=self.flip)
        missing = x.isnan()
        if not missing.any():
            return jitter(x, rng, strength=self.strength, grey=self.grey)
        filled = torch.where(missing, x.nanmean((2, 3), keepdim=True).nan_to_num(0.0), x)
        return jitter(filled, rng, strength=self.strength, grey=self.grey).masked_fill(missing, torch.nan)


def jitter(x: Tensor, rng: torch.Generator, *, strength: float, grey: float) -> Tensor:
    """Colours of images [n, C, H, W] changed with p = 0.8, and turned to grey with p = grey; values stay in 0..1."""
    n, channels = x.shape[:2]
    changed = uniform(n, 0.0, 1.0, rng) < 0.8  # [n]
    brightness, contrast, saturation = (_factor(changed, 0.8 * strength, rng) for _ in range(3))
    angle = changed * uniform(n, -0.2 * strength, 0.2 * strength, rng) * 2 * math.pi  # hue
    saturation = saturation * (uniform(n, 0.0, 1.0, rng) >= grey)
    plain = torch.eye(channels, device=x.device).expand(n, -1, -1)
    colour = brightness[:, None, None] * (_colour_matrix(saturation, angle) if channels == 3 else plain)  # [n, C, C]
    luma = torch.tensor(LUMA if channels == 3 else [1 / channels] * channels, device=x.device)
    middle = (colour @ x.mean((2, 3))[..., None]).mT @ luma  # [n, 1], mean luma, which contrast keeps
    offset = ((1 - contrast)[:, None] * middle)[..., None]  # [n, 1, 1]
    return torch.baddbmm(offset, contrast[:, None, None] * colour, x.flatten(2)).clamp_(0, 1).view(x.shape)


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
