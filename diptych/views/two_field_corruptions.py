"""Views of table rows for SimCLR."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._fields import Marginals


class TwoFieldCorruptions(View):
    """Two copies of a row, each with 30 % of its fields redrawn: together they differ about as SCARF's two do."""

    modalities = ("tabular",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, rate: float = 0.3) -> None:
        super().__init__(facts)
        self.marginals = Marginals(facts, rate)

    def calibrate(self, train: Batch, rng: torch.Generator) -> None:
        """Learn the marginals."""
        self.marginals.calibrate(cast(Tensor, train.x))

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two independently corrupted copies of rows [n, F]."""
        return batch.with_x(self.marginals(batch.x, rng)), batch.with_x(self.marginals(batch.x, rng))
