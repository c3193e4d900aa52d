"""The soft nearest neighbour loss."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.labels import comparable, labels_of, nothing
from diptych.parts.method import ONE_VIEW, Method, Recipe, View
from diptych.parts.objectives.soft_nearest_neighbour import soft_nearest_neighbour


class SoftNn(Method):
    """A neighbour of a sample, drawn by nearness in the batch, has the sample's class.

    Batches are drawn uniformly and samples without one of their class are no anchors, as in the paper; a batch without
    anchors, or of one class only, has a loss of zero. The encoder's output is the embedding.
    """

    role = "supervised"
    paper = (
        "Frosst, Papernot, Hinton 2019, Analyzing and improving representations with the soft nearest neighbor loss, "
        "arXiv 1902.01889; Salakhutdinov, Hinton 2007, AISTATS"
    )
    modalities = ONE_VIEW
    uses = frozenset({"label"})
    missing = "impute_mean"
    # Frosst et al. add the loss to cross-entropy, there is no setting of theirs for it alone: plain settings.
    recipe = Recipe(optimiser="adam", lr=1e-3, schedule="cosine", batch_size=128, epochs=100)

    def __init__(self, encoder: nn.Module, view: View, *, temperature: float = 1.0) -> None:
        super().__init__(encoder, view)
        self.temperature = temperature

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Minus the log-probability of a neighbour of the own class."""
        labels = labels_of(batch)
        (view,) = self.view(batch, rng)
        z = self.backbone(view)  # [n, d]
        return (
            soft_nearest_neighbour(z, labels=labels, temperature=self.temperature) if comparable(labels) else nothing(z)
        )
