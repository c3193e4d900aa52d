"""The image views of SimCLR."""

from typing import Any

import torch

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._colours import Appearance, Look
from diptych.views._images import cropping, shares


class CropJitter(View):
    """Two random crops, mirrored and colour-jittered: SimCLR (arXiv 2002.05709, appendix A) for small images.

    No blur unless asked for: the paper leaves it out for CIFAR too, and images of up to 36 pixels are never blurred.
    min_area 0.2 in place of 0.08, which would be an 8 × 8 patch of 28 × 28. One channel has no hue or saturation.
    """

    modalities = ("image",)
    returns = "two"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        min_area: float = 0.2,
        strength: float = 0.5,
        grey: float = 0.2,
        flip: float = 0.5,
        blur: float = 0.0,
        cutout: float = 0.0,
    ) -> None:
        super().__init__(facts)
        shares(grey=grey, blur=blur, cutout=cutout)
        crop = cropping(facts, min_area=min_area, flip=flip)
        self.look = Look(crop, Appearance(strength, grey, blur=blur, cutout=cutout))

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two views of images [n, C, H, W] in 0..1."""
        return self.look(batch, rng), self.look(batch, rng)
