"""The image view of masked autoencoders and of the older metric losses."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._images import cropping


class OneCrop(View):
    """One random crop, mirrored, colours untouched: MAE needs no more (arXiv 2111.06377, table 1e)."""

    modalities = ("image",)
    returns = "one"

    def __init__(self, facts: dict[str, Any], *, min_area: float = 0.2, flip: float = 0.5) -> None:
        super().__init__(facts)
        self.crop = cropping(facts, min_area=min_area, flip=flip)

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """One view of images [n, C, H, W] in 0..1."""
        return (batch.with_x(self.crop(cast(Tensor, batch.x), rng)),)
