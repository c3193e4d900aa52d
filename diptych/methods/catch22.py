"""The catch22 features."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.catch22 import catch22, check
from diptych.parts.method import Recipe, View
from diptych.parts.scale import Scale
from diptych.parts.untrained import Untrained


class Catch22(Untrained):
    """22 features that tell the most of many series apart, and mean and deviation, of each channel (extra `series`).

    Standardised by the training rows. Gaps are bridged by straight lines; a channel without any value takes the
    training means.
    """

    role = "control"
    paper = (
        "Lubba, Sethi, Knaute, Schultz, Fulcher, Jones 2019, catch22: CAnonical Time-series CHaracteristics, "
        "arXiv 1901.10200"
    )
    modalities = {"series": "identity"}
    missing = "native"
    recipe = Recipe(steps=0)

    def __init__(self, encoder: nn.Module, view: View) -> None:
        super().__init__(nn.Identity(), view)  # the encoder is no part of it
        check()
        self.scale = Scale()

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """Learn the features' means and deviations."""
        self.scale.fit(catch22(cast(Tensor, train.x)))

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """[n, 24 C]."""
        return {"backbone": self.scale(catch22(cast(Tensor, batch.x)))}
