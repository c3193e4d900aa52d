"""VICReg."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import normed_mlp
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.vicreg import vicreg


class Vicreg(Method):
    """Two views agree, while every feature keeps its variance and shares none of it with another."""

    paper = "Bardes, Ponce, LeCun 2022, VICReg, arXiv 2105.04906"
    modalities = TWO_VIEWS | {"image": "crop_jitter_asymmetric"}
    missing = "impute_mean"
    # The paper: LARS 0.2 · batch/256, batch 2,048, 1,000 epochs, projector 8192³; Adam 1e-3 stands in for LARS.
    recipe = Recipe(optimiser="adam", lr=1e-3, weight_decay=1e-6, schedule="cosine", batch_size=256, epochs=1000)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        invariance: float = 25.0,
        variance: float = 25.0,
        covariance: float = 1.0,
        out_dim: int = 512,
    ) -> None:
        super().__init__(encoder, view)
        self.weights = {"invariance": invariance, "variance": variance, "covariance": covariance}
        self.projector = normed_mlp(width(encoder)["backbone"], out_dim, out_dim, out_dim)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Invariance, variance and covariance, weighted."""
        z1, z2 = (self.projected(v) for v in self.view(batch, rng))
        return vicreg(z1, z2, **self.weights)
