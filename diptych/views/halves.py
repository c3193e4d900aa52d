"""The two halves of a series: CMSC."""

from typing import cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._series import halved


class Halves(View):
    """The earlier and the later half of a series, which follow each other: positives over time.

    Kiyasseh, Zhu, Clifton 2021, CLOCS (arXiv 2005.13249): CMSC. Nothing is drawn.
    """

    modalities = ("series",)
    returns = "parts"

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Series [n, T, C] -> twice [n, ⌈T/2⌉, C]."""
        return tuple(batch.with_x(half) for half in halved(cast(Tensor, batch.x)))
