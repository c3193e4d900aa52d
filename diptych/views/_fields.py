"""Corruption of table fields by their empirical marginals."""

import math
from typing import Any

import torch
from torch import Tensor

from diptych.parts.fields import fields_of


class Marginals(torch.nn.Module):
    """Redraws fields of a row from training rows: independent over rows and fields, frequencies count.

    A categorical field is redrawn as a whole: all its columns come from one donor. `facts["fields"]` names the field
    of each column. The training rows are no part of the saved state: nothing but a training step needs them.
    """

    donors: Tensor
    fields: Tensor

    def __init__(self, facts: dict[str, Any], rate: float) -> None:
        super().__init__()
        if not 0 <= rate <= 1:
            raise ValueError(f"view.rate is a share of the fields, 0 … 1; it is {rate}")
        fields = fields_of(facts)  # [F]
        self.count = int(fields.max()) + 1
        self.changed = math.floor(rate * self.count + 1e-9)  # fields redrawn in a row; 0.29 · 100 is 29
        self.register_buffer("fields", fields, persistent=False)
        self.register_buffer("donors", torch.empty(0), persistent=False)

    def calibrate(self, x: Tensor) -> None:
        """Keep the encoded training rows [n, F] to draw from."""
        self.donors = x.clone()

    def forward(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Rows [n, F] with exactly ⌊rate · fields⌋ fields of each redrawn (a draw may equal the original)."""
        shape = (len(x), self.count)
        order = torch.rand(shape, generator=rng, device=x.device).argsort(1).argsort(1)  # [n, fields], ranks
        return self.redrawn(x, order < self.changed, rng)

    def redrawn(self, x: Tensor, changed: Tensor, rng: torch.Generator, *, together: bool = False) -> Tensor:
        """Rows [n, F] with the fields `changed` [n, fields] from training rows: one each, or one for all of a row."""
        if not len(self.donors):
            raise RuntimeError("the view draws from training rows: calibrate it before the first step")
        shape = (len(x), 1 if together else self.count)
        drawn = torch.randint(len(self.donors), shape, generator=rng, device=x.device)  # donor rows
        drawn = drawn.expand(-1, self.count)  # [n, fields]
        columns = torch.arange(x.shape[1], device=x.device)
        replacement = self.donors[drawn[:, self.fields], columns]  # [n, F]
        return torch.where(changed[:, self.fields], replacement, x)
