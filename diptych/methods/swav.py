"""Swapping assignments between views."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import normed_mlp
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.unit import unit
from diptych.parts.prototypes import Prototypes


class Swav(Method):
    """Each crop predicts the balanced cluster that another crop of the sample was assigned to.

    Prototypes stay fixed for the first share `freeze` of the budget; queues fill from the share `queue_start` on.
    """

    paper = (
        "Caron, Misra, Mairal et al. 2020, Unsupervised learning by contrasting cluster assignments, arXiv 2006.09882"
    )
    modalities = {"image": "multi_crop"}
    missing = "impute_mean"
    # The paper: LARS 0.6 at batch 256, 3,000 prototypes, projector 2048–128, 200 epochs; Adam 1e-3 stands in for LARS,
    # prototypes are scaled to ten classes. A batch of 256 spreads over 128 of them without the queue of 3,840 that the
    # paper has (from epoch 15 on), as its batch is far smaller than 3,000.
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
        queue: int = 0,
        queue_start: float = 0.075,
        hidden: int = 512,
        out_dim: int = 128,
    ) -> None:
        super().__init__(encoder, view)
        self.temperature, self.epsilon, self.iterations = temperature, epsilon, iterations
        self.freeze, self.queue_start = freeze, queue_start
        self.projector = normed_mlp(width(encoder)["backbone"], hidden, out_dim)
        self.prototypes = Prototypes(prototypes, out_dim, queue=queue)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Swapped prediction: the two large crops assign, all crops predict."""
        crops = [unit(self.projected(crop)) for crop in self.view(batch, rng)]
        return self.prototypes.loss(
            crops, temperature=self.temperature, epsilon=self.epsilon, iterations=self.iterations
        )

    def after_step(self, batch: Batch, progress: float) -> None:
        """Prototypes keep to the sphere, at first to their places; the large crops enter the queues."""
        self.prototypes.settle(frozen=progress < self.freeze)
        if progress >= self.queue_start:
            self.prototypes.enqueue(batch.key)
