"""InfoMin views."""

from typing import cast

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.colour_flow import CHANNELS, ColourFlow, halves
from diptych.parts.heads import mlp
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.info_nce import info_nce
from diptych.parts.reversal import reversed_gradient


class Infomin(Method):
    """A learned colour space whose channel 1 and channels 2–3 share as little information as possible are the views.

    The colour space minimises the InfoNCE estimate that the encoder maximises (unsupervised view learning, section
    4.2), by gradient reversal. One encoder reads both halves, the other channels being missing; the paper has two.
    """

    paper = "Tian, Sun, Poole, Krishnan, Schmid, Isola 2020, What makes for good views?, arXiv 2005.10243"
    modalities = {"image": "one_crop"}
    missing = "impute_mean"
    # Adam for both players; τ is that of the paper's InfoMin recipe on ImageNet (100 to 800 epochs).
    recipe = Recipe(optimiser="adam", lr=1e-3, weight_decay=1e-6, schedule="cosine", batch_size=256, epochs=200)

    def __init__(
        self, encoder: nn.Module, view: View, *, temperature: float = 0.15, depth: int = 2, hidden: int = 16
    ) -> None:
        super().__init__(encoder, view)
        if (channels := view.facts["shape"][0]) != CHANNELS:
            raise ValueError(f"infomin splits a colour space and needs images of 3 channels; these have {channels}")
        self.temperature = temperature
        d = width(encoder)["backbone"]
        self.projectors = nn.ModuleList(mlp(d, d, 128) for _ in range(2))
        self.colours = ColourFlow(depth=depth, hidden=hidden)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """InfoNCE between the halves of one crop, both ways."""
        (view,) = self.view(batch, rng)
        z1, z2 = (head(h) for head, h in zip(self.projectors, self._encoded(view, against=True), strict=True))
        losses = [info_nce(*pair, temperature=self.temperature, ids=batch.key) for pair in ((z1, z2), (z2, z1))]
        return torch.stack(losses).mean()

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """Both halves' representations side by side: [n, 2 dim]."""
        return {"backbone": torch.cat(self._encoded(batch, against=False), 1)}

    def _encoded(self, batch: Batch, *, against: bool) -> list[Tensor]:
        """Both halves [n, dim]; whether the colour space is to work against the encoder, as in pretraining."""
        x = cast(Tensor, batch.x)
        y = self.colours(x.nan_to_num(0.0))
        y = (reversed_gradient(y) if against else y).masked_fill(x.isnan().any(1, keepdim=True), torch.nan)
        return [self.backbone(batch.with_x(half)) for half in halves(y)]
