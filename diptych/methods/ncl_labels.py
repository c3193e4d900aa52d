"""Neighbourhood contrastive learning by labels."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp
from diptych.parts.labels import labels_of
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.neighbourhood import Neighbourhood, equal
from diptych.parts.objectives.ncl import ncl


class NclLabels(Method):
    """`ncl` whose neighbours have the sample's label: the paper's n_Y, a supervised upper bound that needs no time."""

    role = "supervised"
    paper = "Yèche, Dresdner, Locatello, Hüser, Rätsch 2021, Neighborhood contrastive learning, arXiv 2106.05142"
    modalities = {"series": "history"}
    encoders = {"series": "causal"}
    uses = frozenset({"label"})
    negatives = "queue"
    missing = "impute_mean"
    recipe = Recipe(optimiser="adam", lr=1e-3, schedule="cosine", warmup=0.1, batch_size=256, steps=25_000)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        alpha: float = 0.9,
        temperature: float = 0.1,
        momentum: float = 0.99,
        queue: int = 65_536,
        out_dim: int = 64,
    ) -> None:
        super().__init__(encoder, view)
        self.alpha, self.temperature, self.momentum = alpha, temperature, momentum
        d, size = width(encoder)["backbone"], min(queue, view.facts["n_train"])
        self.projector = mlp(d, d, out_dim)
        self.memory = Neighbourhood(encoder, self.projector, size=size, dim=out_dim, notes=1)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """α alignment with the class, 1 − α discrimination inside it."""
        query, view = self.view(batch, rng)
        keys = self.memory.keys(view, labels_of(batch)[:, None])
        settings = {"alpha": self.alpha, "temperature": self.temperature}
        return ncl(self.projected(query), keys.own, keys.queue, neighbours=equal(keys), ids=keys.ids, **settings)

    def after_step(self, batch: Batch, progress: float) -> None:
        """The target follows; this batch's keys enter the queue with their labels."""
        self.memory.follow(self.encoder, self.projector, self.momentum)
