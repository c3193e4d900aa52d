"""SCARF."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.info_nce import info_nce


class Scarf(Method):
    """A row finds its own copy with randomly redrawn fields among the copies of other rows."""

    paper = "Bahri, Jiang, Tay, Metzler 2022, SCARF: Self-supervised contrastive learning, arXiv 2106.15147"
    modalities = {"tabular": "field_corruption"}
    negatives = "in-batch"
    missing = "impute_mean"
    # The paper's patience of 3 epochs was set on larger data: on some hundred rows it stops after 9 to 24 epochs, near
    # the random start; 50 gains 3 to 6 points of accuracy there.
    recipe = Recipe(optimiser="adam", lr=1e-3, batch_size=128, epochs=1000, validation=0.1, patience=3)

    def __init__(self, encoder: nn.Module, view: View, *, temperature: float = 1.0, out_dim: int = 256) -> None:
        super().__init__(encoder, view)
        self.temperature = temperature
        self.projector = mlp(width(encoder)["backbone"], out_dim, out_dim)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """InfoNCE from clean rows to corrupted ones; log n above the paper's value, with the same gradient."""
        z, corrupted = (self.projected(v) for v in self.view(batch, rng))
        return info_nce(z, corrupted, temperature=self.temperature, ids=batch.key)
