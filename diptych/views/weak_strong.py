"""The views of TS-TCC."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._series import at_least, noisy, permuted, scaled


class WeakStrong(View):
    """A weak view of a series, another amplitude, and a strong one, noisy pieces in another order.

    Eldele et al. 2021, TS-TCC, arXiv 2106.14112, section 3.1, with the values for activity recognition. The factor is
    one per channel around `mean`; the authors' code, though not their text, gives every step its own. Their text adds
    noise to the weak view, their code does not: `weak_jitter`. Views are drawn anew in every step.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        mean: float = 2.0,
        scale: float = 1.1,
        weak_jitter: float = 0.0,
        segments: int = 8,
        jitter: float = 0.8,
    ) -> None:
        super().__init__(facts)
        at_least(0, scale=scale, weak_jitter=weak_jitter, jitter=jitter)
        at_least(1, segments=segments)
        self.mean, self.scale, self.weak_jitter = mean, scale, weak_jitter
        self.segments, self.jitter = segments, jitter

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Series [n, T, C] -> (weak, strong)."""
        x = cast(Tensor, batch.x)
        weak = noisy(scaled(x, self.scale, rng, self.mean), self.weak_jitter, rng)
        strong = noisy(permuted(x, self.segments, rng), self.jitter, rng)
        return batch.with_x(weak), batch.with_x(strong)
