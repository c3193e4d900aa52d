"""Lifted structured embedding."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.labels import comparable, labels_of, nothing
from diptych.parts.method import ONE_VIEW, Method, Recipe, View
from diptych.parts.objectives.lifted_structure import lifted_structure, lifted_structure_generalised


class Lifted(Method):
    """Every pair of one class is nearer than all samples of other classes in the batch are to either of the two.

    `generalised`: each sample with all of its class at once (Hermans et al., arXiv 1703.07737). Images are cropped
    and mirrored, as in the paper; the encoder's output is the embedding. A batch without two samples of one class, or
    of one class only, has a loss of zero.
    """

    role = "supervised"
    paper = "Oh Song, Xiang, Jegelka, Savarese 2016, Lifted structured feature embedding, arXiv 1511.06452"
    modalities = ONE_VIEW | {"image": "one_crop"}
    uses = frozenset({"label"})
    missing = "impute_mean"
    # The paper: batch 128, 20,000 steps, margin 1; Adam 1e-3 from scratch stands in for fine-tuning with SGD.
    recipe = Recipe(optimiser="adam", lr=1e-3, schedule="cosine", batch_size=128, per_class=2, steps=20000)

    def __init__(self, encoder: nn.Module, view: View, *, generalised: bool = False, margin: float = 1.0) -> None:
        super().__init__(encoder, view)
        self.lift, self.margin = lifted_structure_generalised if generalised else lifted_structure, margin

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Smooth maxima over the whole matrix of distances."""
        labels = labels_of(batch)
        (view,) = self.view(batch, rng)
        z = self.backbone(view)  # [n, d]
        return self.lift(z, labels=labels, margin=self.margin) if comparable(labels) else nothing(z)
