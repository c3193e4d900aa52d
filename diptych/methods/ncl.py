"""Neighbourhood contrastive learning by time."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.neighbourhood import Neighbourhood, moments, near_in_time
from diptych.parts.objectives.ncl import ncl


class Ncl(Method):
    """Windows of a recording that are near in time attract, yet each still finds its own other view among them.

    The paper's n_w, w = `within` places. Batches are drawn from all recordings at random, so that a window meets most
    of its neighbours in the queue, which holds one key for each of up to `queue` training windows.
    """

    paper = "Yèche, Dresdner, Locatello, Hüser, Rätsch 2021, Neighborhood contrastive learning, arXiv 2106.05142"
    modalities = {"series": "history"}
    encoders = {"series": "causal"}  # the paper's: five layers, kernel 2, readout "last"
    uses = frozenset({"time"})
    needs = frozenset({"time"})
    negatives = "queue"
    missing = "impute_mean"
    # α and m for PhysioNet 2019 (MIMIC-III: 0.3, 0.999), where w is 12 of windows that overlap; batch 2,048.
    recipe = Recipe(optimiser="adam", lr=1e-3, schedule="cosine", warmup=0.1, batch_size=256, steps=25_000)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        alpha: float = 0.4,
        within: int = 4,
        temperature: float = 0.1,
        momentum: float = 0.99,
        queue: int = 65_536,
        out_dim: int = 64,
    ) -> None:
        super().__init__(encoder, view)
        self.alpha, self.within, self.temperature, self.momentum = alpha, within, temperature, momentum
        d, size = width(encoder)["backbone"], min(queue, view.facts["n_train"])
        self.projector = mlp(d, d, out_dim)
        self.memory = Neighbourhood(encoder, self.projector, size=size, dim=out_dim, notes=2)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """α alignment with neighbours, 1 − α discrimination among them."""
        query, view = self.view(batch, rng)
        keys = self.memory.keys(view, moments(batch))
        near = near_in_time(keys, self.within)
        settings = {"alpha": self.alpha, "temperature": self.temperature}
        return ncl(self.projected(query), keys.own, keys.queue, neighbours=near, ids=keys.ids, **settings)

    def after_step(self, batch: Batch, progress: float) -> None:
        """The target follows; this batch's keys enter the queue with recording and place."""
        self.memory.follow(self.encoder, self.projector, self.momentum)
