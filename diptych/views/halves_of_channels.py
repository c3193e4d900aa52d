"""The halves of each channel of a series: CMSMLC."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._series import halved, several_channels


class HalvesOfChannels(View):
    """Both halves of each channel of a series by themselves: positives over time and space.

    Kiyasseh, Zhu, Clifton 2021, CLOCS (arXiv 2005.13249): CMSMLC. Nothing is drawn.
    """

    modalities = ("series",)
    returns = "parts"
    needs = frozenset({"channels"})

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(facts)
        several_channels("halves_of_channels", facts)

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Series [n, T, C] -> 2 C times [n, ⌈T/2⌉, 1]."""
        halves = halved(cast(Tensor, batch.x))
        return tuple(batch.with_x(channel) for half in halves for channel in torch.split(half, 1, dim=2))
