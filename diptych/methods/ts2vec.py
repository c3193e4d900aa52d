"""TS2Vec."""

from typing import cast

import torch
from torch import Tensor, nn

from diptych.batch import Batch
from diptych.parts.budgets import steps_by_size
from diptych.parts.capabilities import Crop, PerStep, with_per_step
from diptych.parts.method import Method, Recipe, View
from diptych.parts.objectives.hierarchical import hierarchical


class Ts2vec(Method):
    """Overlapping crops of a series agree at each step and for each series, on every time scale."""

    paper = "Yue et al. 2022, TS2Vec: Towards universal representation of time series, arXiv 2106.10466"
    modalities = {"series": "overlapping_crops"}
    negatives = "in-batch"
    missing = "native"
    seen_corruptions = frozenset({"missing_mcar", "missing_block", "missing_time"})
    recipe = Recipe(optimiser="adamw", lr=1e-3, weight_decay=0.01, batch_size=8, average_weights=True)

    def __init__(self, encoder: nn.Module, view: View, *, alpha: float = 0.5, mask_rate: float = 0.5) -> None:
        super().__init__(encoder, view)
        with_per_step("ts2vec", encoder)
        self.alpha, self.mask_rate = alpha, mask_rate

    def default_steps(self, train: Batch) -> int:
        """200 steps for up to 100,000 values, else 600."""
        return steps_by_size(cast(Tensor, train.x))

    def loss(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """Hierarchical contrast of the steps that both crops hold."""
        z1, z2 = cast(PerStep, self.encoder).spans([self._masked(view, rng) for view in self.view(batch, rng)])
        return hierarchical(z1, z2, alpha=self.alpha)

    def _masked(self, view: Batch, rng: torch.Generator) -> Crop:
        """A whole crop, a random mask of its latent steps, and the steps that both crops hold."""
        x = cast(Tensor, view.x)
        kept = torch.rand(x.shape[:2], generator=rng, device=x.device) >= self.mask_rate  # [n, T]
        return x, kept, cast(slice, view.span)
