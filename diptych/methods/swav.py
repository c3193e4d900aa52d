"""Swapping assignments between views."""

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import normed_mlp
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.swav import swav
from diptych.parts.objectives.unit import unit


class Swav(Method):
    """Each crop predicts the balanced cluster that another crop of the sample was assigned to.

    The prototypes stay fixed for the first share `freeze` of the budget. The queue that the paper adds for batches
    smaller than the number of prototypes is left out: batch and prototypes are of one size here.
    """

    paper = (
        "Caron, Misra, Mairal et al. 2020, Unsupervised learning by contrasting cluster assignments, arXiv 2006.09882"
    )
    modalities = {"image": "multi_crop"}
    missing = "impute_mean"
    # The paper: LARS 0.6 at batch 256, 3,000 prototypes, projector 2048–128, 200 epochs; Adam 1e-3 stands in for LARS,
    # prototypes are scaled to data sets of ten classes.
    recipe = Recipe(optimiser="adam", lr=1e-3, weight_decay=1e-6, schedule="cosine", batch_size=256, epochs=200)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.1,
        epsilon: float = 0.05,
        iterations: int = 3,
        prototypes: int = 128,
        freeze: float = 0.01,
        hidden: int = 512,
        out_dim: int = 128,
    ) -> None:
        super().__init__(encoder, view)
        self.temperature, self.epsilon, self.iterations, self.freeze = temperature, epsilon, iterations, freeze
        self.projector = normed_mlp(width(encoder)["backbone"], hidden, out_dim)
        self.prototypes = nn.Parameter(unit(torch.randn(prototypes, out_dim)))

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Swapped prediction: the two large crops assign, all crops predict."""
        self.before = unit(self.prototypes)  # [K, d]
        scores = [unit(self.projector(self.backbone(crop))) @ self.before.T for crop in self.view(batch, rng)]
        return swav(
            scores, temperature=self.temperature, epsilon=self.epsilon, iterations=self.iterations, assign=(0, 1)
        )

    @torch.no_grad()
    def after_step(self, batch: Batch, progress: float) -> None:
        """Prototypes keep to the sphere, at first to their places."""
        self.prototypes.copy_(self.before if progress < self.freeze else unit(self.prototypes))
