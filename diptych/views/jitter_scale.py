"""Views of series for SimCLR."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View


class JitterScale(View):
    """Two noisy, rescaled copies of a series: x · s + ε, s per channel, ε per value; a missing value stays missing.

    Um et al. 2017, arXiv 1706.00527; both deviations are in units of the standardised series.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, jitter: float = 0.3, scale: float = 0.1) -> None:
        super().__init__(facts)
        self.jitter, self.scale = jitter, scale

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two views of series [n, T, C]."""
        return batch.with_x(self._view(batch, rng)), batch.with_x(self._view(batch, rng))

    def _view(self, batch: Batch, rng: torch.Generator) -> Tensor:
        x = cast(Tensor, batch.x)
        factor = 1 + self.scale * torch.randn(len(x), 1, x.shape[2], generator=rng, device=x.device)  # [n, 1, C]
        return x * factor + self.jitter * torch.randn(x.shape, generator=rng, device=x.device)
