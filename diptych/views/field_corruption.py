"""The view of SCARF."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._fields import Marginals


class FieldCorruption(View):
    """A row and its copy with 60 % of the fields redrawn from their marginals: SCARF (arXiv 2106.15147, alg. 1)."""

    modalities = ("tabular",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, rate: float = 0.6) -> None:
        super().__init__(facts)
        self.marginals = Marginals(facts, rate)

    def calibrate(self, train: Batch, rng: torch.Generator) -> None:
        """Learn the marginals."""
        self.marginals.calibrate(cast(Tensor, train.x))

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """The clean and the corrupted rows [n, F]."""
        return batch, batch.with_x(self.marginals(batch.x, rng))
