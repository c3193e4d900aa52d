"""The views of TimesURL."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.mixing import with_bins_of
from diptych.views._series import at_least, shares, uniform
from diptych.views.overlapping_crops import OverlappingCrops


class FrequencyMixedCrops(OverlappingCrops):
    """TS2Vec's crops, of which the second has some frequencies of another series: TimesURL (arXiv 2312.15709).

    A share `rate` of the frequencies, in all channels alike, but not the `protected` strongest of a channel.
    """

    modalities = ("series",)
    returns = "spans"

    def __init__(self, facts: dict[str, Any], *, max_length: int = 3000, rate: float = 0.5, protected: int = 2) -> None:
        super().__init__(facts, max_length=max_length)
        shares(rate=rate)
        at_least(0, protected=protected)
        self.rate, self.protected = rate, protected

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two crops [n, t1, C] and [n, t2, C] of series [n, T, C]; `span` marks the steps they share."""
        first, second = super().forward(batch, rng)
        x = cast(Tensor, second.x)
        partner = x[torch.randperm(len(x), generator=rng, device=x.device)]
        chosen = uniform((len(x), x.shape[1] // 2 + 1, 1), rng) < self.rate
        mixed = with_bins_of(x, partner, chosen, protected=self.protected)
        return first, second.with_x(mixed, second.span)
