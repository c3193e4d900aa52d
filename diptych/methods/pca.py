"""Principal components."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.method import ONE_VIEW, Recipe, View, width
from diptych.parts.principal_components import PrincipalComponents
from diptych.parts.raw_features import RawFeatures
from diptych.parts.untrained import Untrained


class Pca(Untrained):
    """The raw features' principal components that hold 99 % of the variance, at most as many as the encoder's width."""

    role = "control"
    paper = "Pearson 1901, On lines and planes of closest fit to systems of points in space"
    modalities = ONE_VIEW | {"image_text": "identity"}
    missing = "impute_mean"
    recipe = Recipe(steps=0)

    def __init__(self, encoder: nn.Module, view: View) -> None:
        super().__init__(nn.Identity(), view)  # the encoder is no part of it, only its towers' names and widths
        self.features = RawFeatures(width(encoder))
        self.components = PrincipalComponents(width(encoder))

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """Fit the projection of each modality."""
        self.features.calibrate(train.x)
        self.components.fit(self.features(train.x), rng)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """[n, k] per modality, k at most min(width, n_train, F)."""
        return cast(dict[str, Tensor], self.components(self.features(batch.x)))
