"""The image views of masked autoencoders."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._images import crop, mirroring, shares


class CropFlip(View):
    """Two random crops, mirrored, colours untouched: MAE needs no more (arXiv 2111.06377, table 1e), nor does MAE-CT.

    MAE itself takes the first of the two.
    """

    modalities = ("image",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, min_area: float = 0.2, flip: float = 0.5) -> None:
        super().__init__(facts)
        shares(min_area=min_area, flip=flip)
        self.min_area, self.flip = min_area, mirroring(facts, flip)

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two views of images [n, C, H, W] in 0..1."""
        x = cast(Tensor, batch.x)
        crops = (crop(x, rng, min_area=self.min_area, flip=self.flip) for _ in range(2))
        return tuple(batch.with_x(view) for view in crops)
