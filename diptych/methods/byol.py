"""Bootstrap your own latent."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import normed_mlp
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.negative_cosine import byol
from diptych.parts.target import Target, rising


class Byol(Method):
    """One network predicts what a slowly following copy of itself makes of the other view; there are no negatives.

    `predict` exists to be turned off: without the predictor the representation collapses.
    """

    paper = "Grill, Strub, Altché et al. 2020, Bootstrap your own latent, arXiv 2006.07733"
    modalities = TWO_VIEWS | {"image": "crop_jitter_asymmetric"}
    missing = "impute_mean"
    # The paper: LARS 0.2 · batch/256, batch 4,096, 1,000 epochs, m₀ 0.996, heads 4096–256. Adam 1e-3 stands in for
    # LARS, the heads are scaled to small encoders, m₀ 0.99 is the paper's for 300 epochs and fewer.
    recipe = Recipe(optimiser="adam", lr=1e-3, weight_decay=1.5e-6, schedule="cosine", batch_size=256, epochs=1000)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        momentum: float = 0.99,
        predict: bool = True,
        hidden: int = 512,
        out_dim: int = 256,
    ) -> None:
        super().__init__(encoder, view)
        self.momentum = momentum
        self.projector = normed_mlp(width(encoder)["backbone"], hidden, out_dim)
        self.predictor = normed_mlp(out_dim, hidden, out_dim) if predict else nn.Identity()
        self.target = Target(nn.Sequential(encoder, self.projector))

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Squared distance of unit predictions and unit targets, both ways."""
        views = self.view(batch, rng)
        p1, p2 = (self.predictor(self.projected(v)) for v in views)
        z1, z2 = (self.target(v.x) for v in views)
        return byol(p1, p2, z1, z2)

    def after_step(self, batch: Batch, progress: float) -> None:
        """The target follows, ever more slowly."""
        self.target.follow(nn.Sequential(self.encoder, self.projector), rising(self.momentum, progress))
