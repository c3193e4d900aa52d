"""Supervised contrastive learning."""

from typing import Literal

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp
from diptych.parts.labels import labels_of
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.supcon import supcon_in, supcon_out

FORMS = {"out": supcon_out, "in": supcon_in}


class Supcon(Method):
    """SimCLR in which both views of all samples of a class attract.

    `mean`: whether the mean over a row's positives stands outside the logarithm, which the paper prefers, or inside.
    """

    role = "supervised"
    paper = "Khosla, Teterwak, Wang et al. 2020, Supervised contrastive learning, arXiv 2004.11362"
    modalities = TWO_VIEWS
    uses = frozenset({"label"})
    missing = "impute_mean"
    # The authors' CIFAR-10 command: SGD 0.5, batch 1,024, 1,000 epochs, τ 0.1; Adam 1e-3 stands in for SGD.
    recipe = Recipe(
        optimiser="adam", lr=1e-3, weight_decay=1e-4, schedule="cosine", warmup=0.01, batch_size=1024, epochs=1000
    )

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        mean: Literal["out", "in"] = "out",
        temperature: float = 0.1,
        out_dim: int = 128,
    ) -> None:
        super().__init__(encoder, view)
        self.objective, self.temperature = FORMS[mean], temperature
        d = width(encoder)["backbone"]
        self.projector = mlp(d, d, out_dim)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """SupCon of the projected views; another view of the sample itself is always a positive."""
        z1, z2 = (self.projected(v) for v in self.view(batch, rng))
        return self.objective(z1, z2, labels=labels_of(batch), temperature=self.temperature)
