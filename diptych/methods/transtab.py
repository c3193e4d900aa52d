"""TransTab."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.vertical_partition import vertical_partition


class Transtab(Method):
    """The columns of a row are dealt out to parts, which find each other; columns are read by their names.

    Self-supervised vertical-partition contrast.
    """

    paper = "Wang, Sun 2022, TransTab: Learning transferable tabular transformers across tables, arXiv 2205.09328"
    modalities = {"tabular": "column_partitions"}
    encoders = {"tabular": "named_columns"}
    negatives = "in-batch"
    missing = "native"
    seen_corruptions = frozenset({"missing_mcar"})
    recipe = Recipe(optimiser="adam", lr=1e-4, batch_size=64, epochs=50)

    def __init__(self, encoder: nn.Module, view: View, *, temperature: float = 10.0, out_dim: int = 128) -> None:
        super().__init__(encoder, view)
        self.temperature = temperature
        self.projector = nn.Linear(width(encoder)["backbone"], out_dim, bias=False)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Self-VPCL of all parts."""
        parts = [self.projected(part) for part in self.view(batch, rng)]
        return vertical_partition(parts, temperature=self.temperature, ids=batch.key)
