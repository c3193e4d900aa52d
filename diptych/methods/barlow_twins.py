"""Barlow Twins."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import normed_mlp
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.barlow_twins import barlow_twins


class BarlowTwins(Method):
    """The cross-correlation of two views' features over the batch is driven to the identity matrix."""

    paper = "Zbontar, Jing, Misra, LeCun, Deny 2021, Barlow Twins, arXiv 2103.03230"
    modalities = TWO_VIEWS | {"image": "crop_jitter_asymmetric"}
    missing = "impute_mean"
    # The paper: LARS (weights 0.2, biases 0.0048), batch 2,048, 1,000 epochs, projector 8192³. Adam 1e-3 stands in
    # for LARS; it does not see the scale of a loss that is summed over out_dim² entries.
    recipe = Recipe(optimiser="adam", lr=1e-3, weight_decay=1.5e-6, schedule="cosine", batch_size=256, epochs=1000)

    def __init__(
        self, encoder: nn.Module, view: View, *, off_diagonal_weight: float = 0.0051, out_dim: int = 512
    ) -> None:
        super().__init__(encoder, view)
        self.off_diagonal_weight = off_diagonal_weight
        self.projector = normed_mlp(width(encoder)["backbone"], out_dim, out_dim, out_dim)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Ones on the diagonal, zeros beside it."""
        z1, z2 = (self.projected(v) for v in self.view(batch, rng))
        return barlow_twins(z1, z2, off_diagonal_weight=self.off_diagonal_weight)
