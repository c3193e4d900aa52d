"""Contrastive learning with hard negative samples."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.debiased import hard_negative


class Hcl(Method):
    """Debiased contrastive learning that looks longer at the negatives nearest to the sample."""

    paper = "Robinson, Chuang, Sra, Jegelka 2021, Contrastive learning with hard negative samples, arXiv 2010.04592"
    modalities = TWO_VIEWS
    negatives = "in-batch"
    missing = "impute_mean"
    # As published for CIFAR-10 and STL-10 (Adam 1e-3, batch 256, τ 0.5, τ⁺ 0.1, β 1, 400 epochs).
    recipe = Recipe(optimiser="adam", lr=1e-3, weight_decay=1e-6, schedule="cosine", batch_size=256, epochs=400)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.5,
        tau_plus: float = 0.1,
        beta: float = 1.0,
        out_dim: int = 128,
    ) -> None:
        super().__init__(encoder, view)
        self.temperature, self.tau_plus, self.beta = temperature, tau_plus, beta
        d = width(encoder)["backbone"]
        self.projector = mlp(d, d, out_dim)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """The debiased objective under importance weights."""
        z1, z2 = (self.projected(v) for v in self.view(batch, rng))
        settings = {"temperature": self.temperature, "tau_plus": self.tau_plus, "beta": self.beta}
        return hard_negative(z1, z2, **settings, ids=batch.key)
