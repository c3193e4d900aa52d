"""SimCLR that knows its false negatives."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp
from diptych.parts.labels import labels_of
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.nt_xent import nt_xent


class OracleNegatives(Method):
    """SimCLR whose negatives are of other classes only, by their labels: what `debiased` could gain at most.

    The "unbiased" loss of the paper, section 3. Samples of one class do not attract, as they do in `supcon`.
    """

    role = "supervised"
    paper = "Chuang, Robinson, Yen-Chen, Torralba, Jegelka 2020, Debiased contrastive learning, arXiv 2007.00224"
    modalities = TWO_VIEWS
    uses = frozenset({"label"})
    negatives = "in-batch"
    missing = "impute_mean"
    # As `simclr`, which it is compared with.
    recipe = Recipe(
        optimiser="adam", lr=1e-3, weight_decay=1e-6, schedule="cosine", warmup=0.01, batch_size=512, epochs=1000
    )

    def __init__(self, encoder: nn.Module, view: View, *, temperature: float = 0.5, out_dim: int = 128) -> None:
        super().__init__(encoder, view)
        self.temperature = temperature
        d = width(encoder)["backbone"]
        self.projector = mlp(d, d, out_dim)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """NT-Xent of the projected views, whose denominator drops other samples of the class."""
        z1, z2 = (self.projected(v) for v in self.view(batch, rng))
        return nt_xent(z1, z2, temperature=self.temperature, ids=labels_of(batch))
