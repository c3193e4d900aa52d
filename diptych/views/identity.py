"""No augmentation."""

import torch

from diptych.batch import Batch
from diptych.parts.method import View


class Identity(View):
    """The sample itself, once: what methods without augmentation and the controls see."""

    modalities = ("image", "series", "tabular", "text", "graph", "image_text")
    returns = "one"

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """One view: the batch."""
        return (batch,)
