"""CutMix for table rows."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._fields import Marginals


class CutMixFields(View):
    """A row, and its copy into which 30 % of the fields of another row are cut: SAINT (arXiv 2106.01342, section 4).

    Each field by a coin of its own; all from one row, which is any of the training split and not of the batch alone.
    """

    modalities = ("tabular",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, rate: float = 0.3) -> None:
        super().__init__(facts)
        self.rate = rate
        self.marginals = Marginals(facts, rate)

    def calibrate(self, train: Batch, rng: torch.Generator) -> None:
        """Keep the training rows."""
        self.marginals.calibrate(cast(Tensor, train.x))

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """The clean and the cut rows [n, F]."""
        x = cast(Tensor, batch.x)
        changed = torch.rand(len(x), self.marginals.count, generator=rng, device=x.device) < self.rate  # [n, fields]
        return batch, batch.with_x(self.marginals.redrawn(x, changed, rng, together=True))
