"""The same input twice."""

import torch

from diptych.batch import Batch
from diptych.parts.method import View


class Twice(View):
    """The sample itself, twice: the encoder's dropout tells the views apart (SimCSE, arXiv 2104.08821)."""

    modalities = ("text",)
    returns = "two"

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two equal views."""
        return batch, batch
