"""Decoupled contrastive learning."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.decoupled import decoupled, decoupled_weighted


class Dcl(Method):
    """SimCLR without the positive in the denominator: small batches lose less."""

    paper = "Yeh, Hong, Hsu, Liu, Chen, LeCun 2022, Decoupled contrastive learning, arXiv 2110.06848"
    modalities = TWO_VIEWS
    negatives = "in-batch"
    missing = "impute_mean"
    # The paper's CIFAR runs: SGD 0.03 · batch/256, momentum 0.9, batch 256, 200 epochs, τ 0.1, σ 0.5.
    recipe = Recipe(
        optimiser="sgd", lr=0.03, momentum=0.9, weight_decay=5e-4, schedule="cosine", batch_size=256, epochs=200
    )

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.1,
        weighted: bool = False,
        sigma: float = 0.5,
        out_dim: int = 128,
    ) -> None:
        super().__init__(encoder, view)
        self.temperature, self.weighted, self.sigma = temperature, weighted, sigma
        d = width(encoder)["backbone"]
        self.projector = mlp(d, d, out_dim)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """The decoupled objective; weighted (DCLW): distant positives count more."""
        z1, z2 = (self.projected(v) for v in self.view(batch, rng))
        if self.weighted:
            return decoupled_weighted(z1, z2, temperature=self.temperature, sigma=self.sigma, ids=batch.key)
        return decoupled(z1, z2, temperature=self.temperature, ids=batch.key)
