"""The image views of contrastive tuning."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._images import cropping


class CropFlip(View):
    """Two random crops, mirrored, colours untouched: MAE-CT (arXiv 2304.10520), whose first stage is MAE."""

    modalities = ("image",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, min_area: float = 0.2, flip: float = 0.5) -> None:
        super().__init__(facts)
        self.crop = cropping(facts, min_area=min_area, flip=flip)

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two views of images [n, C, H, W] in 0..1."""
        x = cast(Tensor, batch.x)
        return batch.with_x(self.crop(x, rng)), batch.with_x(self.crop(x, rng))
