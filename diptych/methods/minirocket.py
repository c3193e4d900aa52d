"""MiniRocket."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.method import Recipe, View
from diptych.parts.minirocket import MiniRocket
from diptych.parts.untrained import Untrained


class Minirocket(Untrained):
    """Ten thousand shares of steps at which one of 84 fixed, dilated kernels exceeds a bias that training series gave.

    A missing value is 0, the training mean; of several channels a kernel sees the sum of some, drawn at random.
    """

    role = "control"
    paper = (
        "Dempster, Schmidt, Webb 2021, MiniRocket: a very fast (almost) deterministic transform for time series "
        "classification, arXiv 2012.08791"
    )
    modalities = {"series": "identity"}
    missing = "impute_mean"
    recipe = Recipe(steps=0)

    def __init__(self, encoder: nn.Module, view: View, *, features: int = 10_000) -> None:
        super().__init__(nn.Identity(), view)  # the encoder is no part of it
        self.transform = MiniRocket(view.facts["shape"][0], features)

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """Draw channels and biases."""
        self.transform.fit(cast(Tensor, train.x), rng)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """[n, 84 ⌊features / 84⌋]."""
        return {"backbone": self.transform(cast(Tensor, batch.x))}
