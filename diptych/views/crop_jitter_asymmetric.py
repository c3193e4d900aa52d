"""The image views of BYOL and Barlow Twins."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._colours import Appearance
from diptych.views._images import crop, mirroring, shares


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
        shares(min_area=min_area, grey=grey, flip=flip, blur=blur, second_blur=second_blur, solarise=solarise)
        self.min_area, self.flip = min_area, mirroring(facts, flip)
        first = Appearance(strength, grey, saturation=0.4, blur=blur)
        second = Appearance(strength, grey, saturation=0.4, blur=second_blur, solarise=solarise)
        self.appearances = (first, second)

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two views of images [n, C, H, W] in 0..1, only the second one solarised."""
        x = cast(Tensor, batch.x)
        crops = (crop(x, rng, min_area=self.min_area, flip=self.flip) for _ in self.appearances)
        return tuple(batch.with_x(change(c, rng)) for c, change in zip(crops, self.appearances, strict=True))
