"""TimesURL."""

from typing import cast

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.budgets import steps_by_size
from diptych.parts.capabilities import PerStep, with_per_step
from diptych.parts.decoders import squared_error
from diptych.parts.heads import mlp
from diptych.parts.masked_series import without_segments
from diptych.parts.method import Method, Recipe, View
from diptych.parts.mixing import universum
from diptych.parts.objectives.hierarchical import hierarchical


class Timesurl(Method):
    """TS2Vec's contrast with mixed frequencies and made-up hard negatives, and hidden segments to be filled in.

    The contrast reads whole crops, the reconstruction a second pass over crops with hidden segments. λ (`contrast`) and
    the constant rate as in the authors' code, which also splits every series in two by the density of its steps first.
    """

    paper = (
        "Liu, Chen 2024, TimesURL: Self-supervised contrastive learning for universal time series representation "
        "learning, arXiv 2312.15709"
    )
    modalities = {"series": "frequency_mixed_crops"}
    negatives = "in-batch"
    missing = "native"
    seen_corruptions = frozenset({"missing_block"})
    recipe = Recipe(optimiser="adamw", lr=1e-4, weight_decay=5e-4, batch_size=8, average_weights=True)

    def __init__(
        self, encoder: nn.Module, view: View, *, alpha: float = 0.8, own: float = 0.2, contrast: float = 0.01
    ) -> None:
        super().__init__(encoder, view)
        dim = with_per_step("timesurl", encoder).dim
        self.values = mlp(dim, 4 * dim, view.facts["shape"][1])
        self.alpha, self.own, self.contrast = alpha, own, contrast

    def default_steps(self, train: Batch) -> int:
        """Those of TS2Vec."""
        return steps_by_size(cast(Tensor, train.x))

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """λ times the contrast of the steps that both crops hold, plus the mean error of their hidden values."""
        (z1, error1), (z2, error2) = (self._read(crop, rng) for crop in self.view(batch, rng))
        agreement = hierarchical(z1, z2, alpha=self.alpha, extra=lambda z: universum(z, rng, share=self.own))
        return self.contrast * agreement + (error1 + error2) / 2

    def _read(self, crop: Batch, rng: Generator) -> tuple[Tensor, Tensor]:
        """States of the shared steps [n, t, d] of a crop, and the error of segments read off those of the rest."""
        x = cast(Tensor, crop.x)  # [n, t', C]
        rest, hidden = without_segments(x, rng, segments=3, share=0.05)
        states = cast(PerStep, self.encoder).per_step(torch.cat([x, rest]))[:, crop.span]  # [2n, t, d]
        z, h = states.chunk(2)
        return z, squared_error(self.values(h), hidden[:, crop.span])
