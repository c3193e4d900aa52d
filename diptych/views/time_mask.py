"""Series with steps left out."""

from typing import Any, Literal

import torch
from torch import Generator, Tensor

from diptych.views._series import TwoDraws, at_least, hidden_spans, shares, uniform


class TimeMask(TwoDraws):
    """Two copies of a series from which steps are missing: each with p = `rate`, or those of some spans.

    Of all channels at once. Steps as TS2Vec hides them (arXiv 2106.10466, section 3.3), but in the input; `spans` of
    them, each `length` of the series.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        kind: Literal["steps", "spans"] = "steps",
        rate: float = 0.5,
        spans: int = 5,
        length: float = 0.1,
    ) -> None:
        super().__init__(facts)
        shares(rate=rate, length=length)
        at_least(1, spans=spans)
        self.kind, self.rate, self.spans, self.length = kind, rate, spans, length

    def drawn(self, x: Tensor, rng: Generator) -> Tensor:
        """One damaged copy of series [n, T, C]."""
        if self.kind == "steps":
            hidden = uniform(tuple(x.shape[:2]), rng) < self.rate  # [n, T]
        else:
            hidden = hidden_spans(x, self.spans, self.length, rng)
        return x.masked_fill(hidden[..., None], torch.nan)
