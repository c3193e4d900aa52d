"""The image view of instance discrimination."""

from typing import Any

import torch

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._colours import Appearance, Look
from diptych.views._images import cropping, shares


class OneCropJitter(View):
    """One draw of `crop_jitter`, for methods that meet a sample once in a step: InstDisc (arXiv 1805.01978).

    Its authors' CIFAR-10 command jitters by 0.4 with hue as strong as the rest, grey 0.2, and crops of 0.2 to 1.
    """

    modalities = ("image",)
    returns = "one"

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
        """One view of images [n, C, H, W] in 0..1."""
        return (self.look(batch, rng),)
