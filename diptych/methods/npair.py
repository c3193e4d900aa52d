"""Multi-class N-pairs."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.labels import labels_of, nothing, pairs
from diptych.parts.method import ONE_VIEW, Method, Recipe, View
from diptych.parts.objectives.n_pair import n_pair


class Npair(Method):
    """Each sample finds its partner of the same class among the partners of all other classes.

    The batch is paired two and two within its classes. The paper has one pair of a class in a batch; where there are
    fewer classes than pairs, partners of the sample's own class are no candidates. Images are cropped and mirrored, as
    in the paper; the encoder's output is the embedding. A batch of fewer than two pairs has a loss of zero.
    """

    role = "supervised"
    paper = "Sohn 2016, Improved deep metric learning with multi-class N-pair loss objective, NeurIPS"
    modalities = ONE_VIEW | {"image": "one_crop"}
    uses = frozenset({"label"})
    missing = "impute_mean"
    # The paper fine-tunes ImageNet networks on hundreds of classes: plain settings for training from scratch.
    recipe = Recipe(optimiser="adam", lr=1e-3, schedule="cosine", batch_size=128, per_class=2, epochs=100)

    def __init__(self, encoder: nn.Module, view: View, *, l2: float = 0.002) -> None:
        super().__init__(encoder, view)
        self.l2 = l2

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Softmax over partners by inner product; lengths are penalised."""
        labels = labels_of(batch)
        (view,) = self.view(batch, rng)
        z = self.backbone(view)  # [n, d]
        anchor, positive = pairs(labels)
        return n_pair(z[anchor], z[positive], l2=self.l2, ids=labels[anchor]) if len(anchor) > 1 else nothing(z)
