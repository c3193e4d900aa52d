"""Disjoint views of a table of signs."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View


class ScaledTail(View):
    """The first `kept` columns stay, every other cell is multiplied by its own draw from U(0, 1), once per view.

    Saunshi et al. 2022 (arXiv 2202.14037, section 3). No sign changes: where rows differ in a sign their views never
    coincide, and a loss can be small without any use of the kept columns.
    """

    modalities = ("tabular",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, kept: int = 10) -> None:
        super().__init__(facts)
        if kept < 0:
            raise ValueError(f"view.kept counts columns, it must not be negative; it is {kept}")
        if kept >= facts["shape"][0]:
            raise ValueError(f"view.kept leaves no column to scale: it is {kept}, a row has {facts['shape'][0]}")
        self.kept = kept

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two independently scaled copies of rows [n, F]."""
        x = cast(Tensor, batch.x)
        return batch.with_x(self._scaled(x, rng)), batch.with_x(self._scaled(x, rng))

    def _scaled(self, x: Tensor, rng: torch.Generator) -> Tensor:
        factors = 1 - torch.rand(x.shape, generator=rng, device=x.device)  # in (0, 1]: 0 would lose the sign
        factors[:, : self.kept] = 1
        return x * factors
