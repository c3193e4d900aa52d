"""Triplets mined within the batch."""

from typing import Literal

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.labels import comparable, labels_of, nothing
from diptych.parts.method import ONE_VIEW, Method, Recipe, View
from diptych.parts.objectives.triplets import triplet_batch_all, triplet_batch_hard, triplet_semi_hard
from diptych.parts.objectives.unit import unit

MINING = {"all": triplet_batch_all, "hard": triplet_batch_hard, "semi_hard": triplet_semi_hard}


class Triplet(Method):
    """A sample is nearer to one of its class than to one of another class by a margin.

    FaceNet's loss (squared distances of unit vectors) on samples as they are; the encoder's output is the embedding. A
    batch without two samples of one class, or of one class only, has no triplet and a loss of zero.
    """

    role = "supervised"
    paper = "Schroff, Kalenichenko, Philbin 2015, FaceNet, arXiv 1503.03832; mining: Hermans et al., arXiv 1703.07737"
    modalities = ONE_VIEW
    uses = frozenset({"label"})
    missing = "impute_mean"
    # Hermans: 18 classes of 4 samples, Adam 3e-4, 25,000 steps; cosine stands in for its decay after 15,000.
    # FaceNet: AdaGrad 0.05, batches of 1,800 faces, about 40 a person, 1,000 hours.
    recipe = Recipe(optimiser="adam", lr=3e-4, schedule="cosine", batch_size=72, per_class=4, steps=25000)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        mining: Literal["all", "hard", "semi_hard"] = "semi_hard",
        margin: float = 0.2,
    ) -> None:
        super().__init__(encoder, view)
        self.mined, self.margin = MINING[mining], margin

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """The mean over the mined triplets."""
        labels = labels_of(batch)
        (view,) = self.view(batch, rng)
        z = unit(self.backbone(view))  # [n, d]
        return self.mined(z, labels=labels, margin=self.margin, squared=True) if comparable(labels) else nothing(z)
