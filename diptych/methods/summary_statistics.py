"""Summary statistics."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.expert_features import expert_features
from diptych.parts.method import Recipe, View
from diptych.parts.scale import Scale
from diptych.parts.untrained import Untrained


class SummaryStatistics(Untrained):
    """What an engineer measures first: 13 statistics of each channel, standardised by the training rows.

    Moments, quantiles, autocorrelation and frequency (`diptych/parts/expert_features.py`) of the values that are there;
    a channel without any takes the training means.
    """

    role = "control"
    modalities = {"series": "identity"}
    missing = "native"
    recipe = Recipe(steps=0)

    def __init__(self, encoder: nn.Module, view: View) -> None:
        super().__init__(nn.Identity(), view)  # the encoder is no part of it
        self.scale = Scale()

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """Learn the statistics' means and deviations."""
        self.scale.fit(expert_features(cast(Tensor, train.x)))

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """[n, 13 C]."""
        return {"backbone": self.scale(expert_features(cast(Tensor, batch.x)))}
