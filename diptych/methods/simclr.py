"""SimCLR."""

from typing import Literal

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.nt_xent import nt_xent


class Simclr(Method):
    """Two views of a sample attract; every other view in the batch repels."""

    paper = "Chen, Kornblith, Norouzi, Hinton 2020, A simple framework for contrastive learning, arXiv 2002.05709"
    modalities = TWO_VIEWS
    negatives = "in-batch"
    missing = "impute_mean"
    # The authors' CIFAR-10 setting (batch 512, 1,000 epochs, τ 0.5); Adam 1e-3 stands in for LARS 1.0, which is made
    # for batches of 1,000 and more.
    recipe = Recipe(
        optimiser="adam", lr=1e-3, weight_decay=1e-6, schedule="cosine", warmup=0.01, batch_size=512, epochs=1000
    )

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.5,
        head: Literal["mlp", "linear", "none"] = "mlp",
        out_dim: int = 128,
    ) -> None:
        super().__init__(encoder, view)
        self.temperature = temperature
        d = width(encoder)["backbone"]
        # The paper's figure 8 compares these heads; without one the representation itself is compared.
        heads = {"mlp": [d, d, out_dim], "linear": [d, out_dim], "none": [d]}
        self.projector = mlp(*heads[head])

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """NT-Xent of the projected views."""
        z1, z2 = (self.projected(v) for v in self.view(batch, rng))
        return nt_xent(z1, z2, temperature=self.temperature, ids=batch.key)
