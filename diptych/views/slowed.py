"""Series beside their own, slowed."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._series import shares, window


class Slowed(View):
    """A series beside a random window of it at a lower speed, two thirds of the usual one.

    The resampling of Finding Order in Chaos (Demirel, Holz 2023, arXiv 2309.13439): three times as many points by
    linear interpolation, of which every second is taken from a random one on.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, share: float = 0.6667) -> None:
        super().__init__(facts)
        shares(share=share)
        self.share = share

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Series [n, T, C] -> (as they are, slowed)."""
        x = cast(Tensor, batch.x)
        share = torch.full((len(x),), self.share, device=x.device)
        return batch, batch.with_x(window(x, share, rng))
