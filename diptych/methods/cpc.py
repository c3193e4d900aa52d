"""Contrastive predictive coding."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.method import Method, Recipe, View
from diptych.parts.predictive import Predictive
from diptych.parts.steps import length_of, mean_inside, states, with_steps


class Cpc(Method):
    """What was seen of a series so far tells its coming states from those of other series and of other times."""

    paper = "van den Oord, Li, Vinyals 2018, Representation learning with contrastive predictive coding, 1807.03748"
    modalities = {"series": "identity"}
    encoders = {"series": "series_conv"}
    negatives = "in-batch"
    missing = "impute_mean"
    # The paper's, for raw audio: 8 windows of 20,480 samples, 12 states of 10 ms ahead, a GRU of 256. Of short series
    # a quarter is ahead, and more of them make a batch; epochs are ours.
    recipe = Recipe(optimiser="adam", lr=2e-4, batch_size=64, epochs=200)

    def __init__(self, encoder: nn.Module, view: View, *, hidden: int = 128, horizon: float = 0.25) -> None:
        super().__init__(encoder, view)
        dim, length = with_steps("cpc", encoder).width, length_of(encoder, view.facts)
        ahead = max(min(round(horizon * length), length - 1), 1)
        self.predictive = Predictive(dim, hidden=hidden, ahead=ahead)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """InfoNCE of the predictions."""
        (view,) = self.view(batch, rng)
        return cast(Tensor, self.predictive(states(self.encoder, view.x), batch.key))

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The mean context of each series [n, hidden]."""
        found = states(self.encoder, batch.x)
        return {"backbone": mean_inside(self.predictive.contexts(found), found[1])}
