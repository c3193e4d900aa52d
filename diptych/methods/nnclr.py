"""Nearest-neighbour contrastive learning."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import normed_mlp
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.nnclr import nnclr
from diptych.parts.queue import Queue


class Nnclr(Method):
    """The positive of a view is the nearest neighbour of the other view in a support set of earlier samples."""

    paper = "Dwibedi, Aytar, Tompson, Sermanet, Zisserman 2021, With a little help from my friends, arXiv 2104.14548"
    modalities = TWO_VIEWS
    negatives = "in-batch"
    missing = "impute_mean"
    # The paper: LARS 0.3 · batch/256, batch 4,096, 1,000 epochs, support 98,304, heads 2048–2048–256 and 256–4096–256.
    # Adam 1e-3 stands in for LARS, and heads and support are scaled to small encoders and data sets.
    recipe = Recipe(optimiser="adam", lr=1e-3, weight_decay=1e-5, schedule="cosine", batch_size=256, epochs=1000)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.1,
        support: int = 4096,
        hidden: int = 512,
        out_dim: int = 256,
    ) -> None:
        super().__init__(encoder, view)
        self.temperature = temperature
        self.projector = normed_mlp(width(encoder)["backbone"], hidden, hidden, out_dim, last=True)
        self.predictor = normed_mlp(out_dim, 2 * hidden, out_dim)
        self.support = Queue(min(support, view.facts["n_train"]), out_dim)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Both directions; the sample itself is never its own neighbour."""
        z1, z2 = (self.projected(v) for v in self.view(batch, rng))
        self.newest = z1.detach()
        return (self._one_way(z1, z2, batch.key) + self._one_way(z2, z1, batch.key)) / 2

    def _one_way(self, z: Tensor, other: Tensor, key: Tensor) -> Tensor:
        neighbour = self.support.nearest(z.detach(), key)  # [n, d]
        return nnclr(neighbour, self.predictor(other), temperature=self.temperature, ids=key)

    def after_step(self, batch: Batch, progress: float) -> None:
        """The first views enter the support set."""
        self.support.enqueue(self.newest, batch.key)
