"""The four rotations of rotation prediction."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View


class FourRotations(View):
    """Every image turned by 0°, 90°, 180° and 270°, all in one batch: RotNet (arXiv 1803.07728).

    A turn only moves pixels, so no interpolation betrays it.
    """

    modalities = ("image",)
    returns = "rotations"

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(facts)
        _, height, width = facts["shape"]
        if height != width:
            raise ValueError(f"only square images can be turned by 90°; these are {height} × {width} pixels")

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Images [n, C, S, S] -> one batch [4n, C, S, S]: n of 0°, n of 90° (counter-clockwise), …; rows repeated."""
        x = cast(Tensor, batch.x)
        turned = torch.cat([torch.rot90(x, turns, (2, 3)) for turns in range(4)])
        return (batch.take(torch.arange(len(batch), device=x.device).repeat(4)).with_x(turned),)
