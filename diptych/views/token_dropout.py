"""Views of texts for SimCLR."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.parts.tokens import PADDING, START


class TokenDropout(View):
    """Two copies of a text without some of its words: random deletion of EDA (arXiv 1901.11196), α = 0.1."""

    modalities = ("text",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, rate: float = 0.1) -> None:
        super().__init__(facts)
        if not 0 <= rate < 1:
            raise ValueError(f"view.rate is a share of the words, 0 ≤ rate < 1; it is {rate}")
        self.rate = rate

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two views of tokens [n, T]."""
        return batch.with_x(self._view(batch, rng)), batch.with_x(self._view(batch, rng))

    def _view(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """Kept words close ranks; one random word stays where all would go, and the start always."""
        x = cast(Tensor, batch.x)
        word = (x != PADDING) & (x != START)
        keys = torch.rand(x.shape, generator=rng, device=x.device).masked_fill(~word, -1)  # [n, T]
        kept = (keys >= self.rate) | (keys == keys.amax(1, keepdim=True))
        kept = (kept & word) | (x == START)
        return (x * kept).gather(1, kept.logical_not().long().argsort(dim=1, stable=True))
