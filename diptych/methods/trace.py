"""TRACE."""

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.autocorrelation import autocorrelation, neighbourhood
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.neighbour_or_not import neighbour_or_not
from diptych.parts.pair_discriminator import PairDiscriminator
from diptych.parts.windows import Places, encoded, long_enough, read_by_window, window_length


class Trace(Method):
    """TNC where the autocorrelation of a series says which windows are neighbours and which are unlike each other.

    Made for intensive care: the encoder also sees what was observed. A series is the mean of consecutive windows. The
    authors also drop dimensions that correlate with others, one by one; these stay here.
    """

    paper = "Weatherhead et al. 2022, Learning unsupervised representations for ICU timeseries (TRACE), CHIL, PMLR 174"
    modalities = {"series": "identity"}
    encoders = {"series": "observed_causal"}
    needs = frozenset({"long"})
    negatives = "same series"
    missing = "mask_as_view"
    recipe = Recipe(optimiser="adam", lr=5e-5, weight_decay=5e-4, batch_size=30, epochs=150)
    acf: Tensor  # [n, T], autocorrelation of the training series
    reach: Tensor  # [n], how far the neighbourhood of each goes

    def __init__(self, encoder: nn.Module, view: View, *, delta: float = 0.025, count: int = 6) -> None:
        super().__init__(encoder, view)
        self.length, self.count = window_length(delta, view.facts["shape"][0]), count
        self.discriminator = PairDiscriminator(width(encoder)["backbone"])
        self.register_buffer("acf", torch.empty(0), persistent=False)  # data, not weights
        self.register_buffer("reach", torch.empty(0), persistent=False)

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """How much, and how far, each training series resembles itself."""
        super().calibrate(train, rng)
        self.acf = autocorrelation(train.x)
        self.reach = neighbourhood(self.acf, self.length, below=0.6, most=10)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Tell windows nearby from uncorrelated ones beyond the neighbourhood."""
        (view,) = self.view(long_enough(batch, self.length), rng)
        places, acf, reach = Places(view.x, self.length), self.acf[view.index], self.reach[view.index]
        anchor = places.anywhere(rng)
        near = places.near(anchor, reach, self.count, rng)
        far = places.unlike(anchor, reach, acf, self.count, rng, most=0.1)
        z = encoded(self.encoder, places.windows(anchor, near, far))
        return neighbour_or_not(*self.discriminator(z))

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The mean representation of the windows of a series."""
        return {"backbone": read_by_window(self.encoder, batch.x, self.length)}
