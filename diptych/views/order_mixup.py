"""The mixture of Finding Order in Chaos."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.parts.mixing import spectral, truncated_normal
from diptych.views._series import shares


class OrderMixup(View):
    """A series beside its mixture with another one of the batch, by magnitude and phase at each frequency.

    Demirel, Holz 2023, arXiv 2309.13439, section 3.1, with shares near 1 for every pair: their ablation without a
    similarity. `finding_order` draws them as the paper does.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        least_amplitude: float = 0.9,
        least_phase: float = 0.9,
        deviation: float = 0.1,
    ) -> None:
        super().__init__(facts)
        shares(least_amplitude=least_amplitude, least_phase=least_phase)
        self.least_amplitude, self.least_phase, self.deviation = least_amplitude, least_phase, deviation

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Series [n, T, C] -> (as they are, mixed)."""
        x = cast(Tensor, batch.x)
        partner = x[torch.randperm(len(x), generator=rng, device=x.device)]
        least = (self.least_amplitude, self.least_phase)
        magnitude, phase = (truncated_normal(len(x), low, self.deviation, rng) for low in least)
        return batch, batch.with_x(spectral(x, partner, magnitude, phase))
