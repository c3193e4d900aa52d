"""The raw features."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.method import ONE_VIEW, Recipe, View, width
from diptych.parts.raw_features import RawFeatures
from diptych.parts.untrained import Untrained


class Raw(Untrained):
    """The input itself as a vector: what a probe reaches without any representation."""

    role = "control"
    modalities = ONE_VIEW | {"image_text": "identity"}
    missing = "impute_mean"
    recipe = Recipe(steps=0)

    def __init__(self, encoder: nn.Module, view: View) -> None:
        super().__init__(nn.Identity(), view)  # the encoder is no part of it, only the names of its towers
        self.features = RawFeatures(width(encoder))

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """Learn imputation and token statistics."""
        self.features.calibrate(train.x)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """One vector per modality."""
        return cast(dict[str, Tensor], self.features(batch.x))
