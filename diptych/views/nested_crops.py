"""The views of T-Loss."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.crops import lengths, random_crops
from diptych.parts.method import View


class NestedCrops(View):
    """A random stretch of a series, and a random stretch of that one.

    Franceschi, Dieuleveut, Jaggi 2019, arXiv 1901.10738, algorithm 1: the inner one's length is U{1 … T}, the outer
    one's between that and T. One draw for the batch, so series of one length give crops of one length; a ragged
    series has shorter ones, filled up with missing steps.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, min_length: int = 1) -> None:
        super().__init__(facts)
        if min_length < 1:
            raise ValueError(f"view.min_length must be at least 1, it is {min_length}")
        self.min_length = min_length

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Series [n, T, C] -> (outer [n, t1, C], inner [n, t2, C])."""
        x = cast(Tensor, batch.x)
        inner, outer = lengths(x, rng, least=self.min_length)
        around = random_crops(x, outer, rng)
        return batch.with_x(around), batch.with_x(random_crops(around, inner, rng))
