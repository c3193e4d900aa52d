"""Temporal neighbourhood coding."""

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.autocorrelation import autocorrelation, neighbourhood
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.neighbour_or_not import neighbour_or_not
from diptych.parts.pair_discriminator import PairDiscriminator
from diptych.parts.windows import Places, encoded, long_enough, read_by_window, window_length


class Tnc(Method):
    """A window of a long series is told from distant ones of the same series by windows around it.

    The authors' neighbourhood is the widest that a test for stationarity allows: too slow for each window. Here it is
    TRACE's, by the autocorrelation of a series, or `eta` windows. A series is the mean of its consecutive windows.
    """

    paper = (
        "Tonekaboni, Eytan, Goldenberg 2021, Unsupervised representation learning for time series with temporal "
        "neighborhood coding, arXiv 2106.00750"
    )
    modalities = {"series": "identity"}
    encoders = {"series": "gru"}
    needs = frozenset({"long"})
    negatives = "same series"
    recipe = Recipe(optimiser="adam", lr=1e-3, weight_decay=5e-3, batch_size=10, epochs=100)
    reach: Tensor  # [n], how far the neighbourhood of a training series goes

    def __init__(
        self, encoder: nn.Module, view: View, *, delta: float = 0.025, eta: int = 0, count: int = 20, w: float = 0.05
    ) -> None:
        super().__init__(encoder, view)
        self.length = window_length(delta, view.facts["shape"][0])
        self.eta, self.count, self.w = eta, count, w  # eta 0: by the autocorrelation
        self.discriminator = PairDiscriminator(width(encoder)["backbone"])
        self.register_buffer("reach", torch.empty(0), persistent=False)  # data, not weights

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """How far each training series resembles itself: up to 4 windows, as the authors have it."""
        super().calibrate(train, rng)
        found = neighbourhood(autocorrelation(train.x), self.length, below=0.6, most=4)
        self.reach = torch.full_like(found, self.eta * self.length) if self.eta else found

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Tell windows nearby from those 5 neighbourhoods away, a share w of which may be alike all the same."""
        (view,) = self.view(long_enough(batch, self.length), rng)
        places, reach = Places(view.x, self.length), self.reach[view.index]
        anchor = places.anywhere(rng)
        near = places.near(anchor, reach, self.count, rng)
        far = places.distant(anchor, 5 * reach, self.count, rng)
        z = encoded(self.encoder, places.windows(anchor, near, far))
        return neighbour_or_not(*self.discriminator(z), weight=self.w)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The mean representation of the windows of a series."""
        return {"backbone": read_by_window(self.encoder, batch.x, self.length)}
