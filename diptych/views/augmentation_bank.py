"""One of several changes of series."""

from typing import Any

import torch
from torch import Generator, Tensor

from diptych.views._series import TwoDraws, at_least, hidden_spans, noisy, permuted, scaled, shares, uniform


class AugmentationBank(TwoDraws):
    """Two copies of a series, each changed in one way: noise, another amplitude, pieces in another order, a gap.

    The bank of TF-C (Zhang et al. 2022, arXiv 2206.08496, section 4.1), drawn per series; each way is as likely.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        jitter: float = 0.3,
        scale: float = 0.3,
        segments: int = 5,
        gap: float = 0.2,
    ) -> None:
        super().__init__(facts)
        at_least(0, jitter=jitter, scale=scale)
        at_least(1, segments=segments)
        shares(gap=gap)
        self.jitter, self.scale, self.segments, self.gap = jitter, scale, segments, gap

    def drawn(self, x: Tensor, rng: Generator) -> Tensor:
        """One changed copy of series [n, T, C]."""
        gap = hidden_spans(x, 1, self.gap, rng)[..., None]
        ways = [
            noisy(x, self.jitter, rng),
            scaled(x, self.scale, rng),
            permuted(x, self.segments, rng),
            x.masked_fill(gap, torch.nan),
        ]
        chosen = (uniform((len(x),), rng) * len(ways)).long()  # [n]
        return torch.stack(ways)[chosen, torch.arange(len(x), device=x.device)]
