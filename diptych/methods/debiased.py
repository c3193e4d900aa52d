"""Debiased contrastive learning."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.debiased import debiased


class Debiased(Method):
    """SimCLR whose denominator is corrected for the negatives that share the sample's class."""

    paper = "Chuang, Robinson, Yen-Chen, Torralba, Jegelka 2020, Debiased contrastive learning, arXiv 2007.00224"
    modalities = TWO_VIEWS
    negatives = "in-batch"
    missing = "impute_mean"
    # As published for CIFAR-10 and STL-10 (Adam 1e-3, batch 256, τ 0.5, τ⁺ 0.1, 400 epochs).
    recipe = Recipe(optimiser="adam", lr=1e-3, weight_decay=1e-6, schedule="cosine", batch_size=256, epochs=400)

    def __init__(
        self, encoder: nn.Module, view: View, *, temperature: float = 0.5, tau_plus: float = 0.1, out_dim: int = 128
    ) -> None:
        super().__init__(encoder, view)
        self.temperature, self.tau_plus = temperature, tau_plus
        d = width(encoder)["backbone"]
        self.projector = mlp(d, d, out_dim)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """NT-Xent with the expected share of false negatives taken out."""
        z1, z2 = (self.projected(v) for v in self.view(batch, rng))
        return debiased(z1, z2, temperature=self.temperature, tau_plus=self.tau_plus, ids=batch.key)
