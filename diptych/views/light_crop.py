"""The view of CLIP."""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._images import crop


class LightCrop(View):
    """A random square crop of the image beside its untouched text: CLIP's only augmentation (arXiv 2103.00020, 2.4)."""

    modalities = ("image_text",)
    returns = "one"

    def __init__(self, facts: dict[str, Any], *, min_area: float = 0.9) -> None:
        super().__init__(facts)
        self.min_area = min_area  # as in open_clip

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """One view of pairs {"image" [n, C, H, W], "text" [n, T]}."""
        x = dict(cast(Mapping[str, Tensor], batch.x))
        return (batch.with_x(x | {"image": crop(x["image"], rng, min_area=self.min_area, max_aspect=1.0)}),)
