"""GraphCL."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp, xavier
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.decoupled_info_nce import decoupled_info_nce


class Graphcl(Method):
    """Two augmented copies of a graph attract; copies of the other graphs in the batch repel."""

    paper = "You et al. 2020, Graph contrastive learning with augmentations, arXiv 2010.13902"
    modalities = {"graph": "graph_augmentations"}
    negatives = "in-batch"
    missing = "impute_mean"
    recipe = Recipe(optimiser="adam", lr=0.01, batch_size=128, epochs=20)

    def __init__(self, encoder: nn.Module, view: View, *, temperature: float = 0.2) -> None:
        super().__init__(encoder, view)
        self.temperature = temperature
        d = width(encoder)["backbone"]
        self.projector = mlp(d, d, d)
        xavier(self.projector)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """InfoNCE in one direction, without the positive in its denominator."""
        z1, z2 = (self.projected(v) for v in self.view(batch, rng))
        return decoupled_info_nce(z1, z2, temperature=self.temperature, ids=batch.key)
