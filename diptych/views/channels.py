"""The channels of a series: CMLC."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._series import several_channels


class Channels(View):
    """Each channel of a series by itself, all at the same time: positives over space.

    Kiyasseh, Zhu, Clifton 2021, CLOCS (arXiv 2005.13249): CMLC. Nothing is drawn.
    """

    modalities = ("series",)
    returns = "parts"
    needs = frozenset({"channels"})

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(facts)
        several_channels("channels", facts)

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Series [n, T, C] -> C times [n, T, 1]."""
        return tuple(batch.with_x(channel) for channel in torch.split(cast(Tensor, batch.x), 1, dim=2))
