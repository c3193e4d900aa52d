"""Feature dropout."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.feature_dropout import drop_features
from diptych.parts.heads import mlp
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.nt_xent import nt_xent


class FeatureDropout(Method):
    """SimCLR whose views also lose features at random, so that no easy feature suppresses the others.

    The paper's claim is that views which destroy a label sometimes help; it shows it with learned views (`viewmaker`)
    and with overlays that are erased on purpose. What is erased here, a colour channel or cells of a grid, is ours: it
    needs no knowledge of where a feature lies.
    """

    paper = (
        "Tamkin, Glasgow, He, Goodman 2022, Feature dropout: revisiting the role of augmentations in contrastive "
        "learning, arXiv 2212.08378"
    )
    modalities = {"image": "crop_jitter"}
    missing = "impute_mean"
    seen_corruptions = frozenset({"missing_mcar", "missing_block"})
    # As `simclr`, so that the two differ in the dropout alone.
    recipe = Recipe(
        optimiser="adam", lr=1e-3, weight_decay=1e-6, schedule="cosine", warmup=0.01, batch_size=512, epochs=1000
    )

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.5,
        p: float = 0.5,
        share: float = 0.5,
        cells: int = 4,
        out_dim: int = 128,
    ) -> None:
        super().__init__(encoder, view)
        self.temperature, self.p, self.share, self.cells = temperature, p, share, cells
        d = width(encoder)["backbone"]
        self.projector = mlp(d, d, out_dim)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """NT-Xent of views, each with features of its own dropped."""
        z1, z2 = (self.projected(self._dropped(v, rng)) for v in self.view(batch, rng))
        return nt_xent(z1, z2, temperature=self.temperature, ids=batch.key)

    def _dropped(self, view: Batch, rng: Generator) -> Batch:
        x = cast(Tensor, view.x)
        return view.with_x(drop_features(x, rng, p=self.p, share=self.share, cells=self.cells))
