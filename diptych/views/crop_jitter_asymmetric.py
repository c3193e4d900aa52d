"""The image views of BYOL and Barlow Twins."""

from typing import Any

import torch

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._colours import Appearance, Look
from diptych.views._images import cropping, shares


class CropJitterAsymmetric(View):
    """Two random crops, one blurred more often, the other solarised: BYOL (arXiv 2006.07733, appendix B, table 6).

    Brightness, contrast and hue as in `crop_jitter`, half its saturation. Blur has no effect on images of up to 36
    pixels; min_area 0.2 in place of 0.08, which would be an 8 × 8 patch of 28 × 28.
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
        blur: float = 1.0,
        second_blur: float = 0.1,
        solarise: float = 0.2,
    ) -> None:
        super().__init__(facts)
        shares(grey=grey, blur=blur, second_blur=second_blur, solarise=solarise)
        crop = cropping(facts, min_area=min_area, flip=flip)
        first = Appearance(strength, grey, saturation=0.4, blur=blur)
        second = Appearance(strength, grey, saturation=0.4, blur=second_blur, solarise=solarise)
        self.looks = (Look(crop, first), Look(crop, second))

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two views of images [n, C, H, W] in 0..1, only the second one solarised."""
        return tuple(look(batch, rng) for look in self.looks)
