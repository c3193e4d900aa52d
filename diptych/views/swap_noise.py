"""Noise for denoising tables."""

from typing import Any, Literal, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._fields import Marginals


class SwapNoise(View):
    """A row with some of its fields swapped, jittered or blanked, beside itself; each field by a coin of its own.

    "swap": a value of the same field from a random training row, as VIME has it; "gaussian": N(0, σ²)
    is added; "zero": the field becomes missing. SubTab has all three (arXiv 2110.04361, section 3).
    """

    modalities = ("tabular",)
    returns = "damaged"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        rate: float = 0.3,
        kind: Literal["swap", "gaussian", "zero"] = "swap",
        sigma: float = 0.1,
    ) -> None:
        super().__init__(facts)
        if sigma < 0:
            raise ValueError(f"view.sigma must not be negative, it is {sigma}")
        self.rate, self.kind, self.sigma = rate, kind, sigma
        self.marginals = Marginals(facts, rate)

    def calibrate(self, train: Batch, rng: torch.Generator) -> None:
        """Learn the marginals."""
        self.marginals.calibrate(cast(Tensor, train.x))

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Rows [n, F] -> (damaged, clean)."""
        x = cast(Tensor, batch.x)
        changed = torch.rand(len(x), self.marginals.count, generator=rng, device=x.device) < self.rate  # [n, fields]
        if self.kind == "swap":
            return batch.with_x(self.marginals.redrawn(x, changed, rng)), batch
        columns = changed[:, self.marginals.fields]  # [n, F]
        if self.kind == "zero":
            return batch.with_x(x.masked_fill(columns, torch.nan)), batch
        noise = self.sigma * torch.randn(x.shape, generator=rng, device=x.device)
        return batch.with_x(torch.where(columns, x + noise, x)), batch
