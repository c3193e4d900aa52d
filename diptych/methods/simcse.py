"""SimCSE."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.capabilities import ClassToken, lacks
from diptych.parts.method import Method, Recipe, View
from diptych.parts.objectives.info_nce import info_nce


class Simcse(Method):
    """A sentence finds itself under another dropout mask, among the other sentences of the batch."""

    paper = "Gao, Yao, Chen 2021, SimCSE: Simple contrastive learning of sentence embeddings, arXiv 2104.08821"
    modalities = {"text": "twice"}
    negatives = "in-batch"
    missing = "native"
    # The paper's batch and its million sentences; its rate of 3e-5 continues BERT, 5e-4 starts from scratch.
    recipe = Recipe(optimiser="adamw", lr=5e-4, schedule="cosine", batch_size=64, samples=1_000_000)

    def __init__(self, encoder: nn.Module, view: View, *, temperature: float = 0.05) -> None:
        super().__init__(encoder, view)
        if not isinstance(encoder, ClassToken):
            raise lacks("simcse", encoder, "a class token (cls)")
        self.temperature = temperature
        self.projector = nn.Sequential(nn.Linear(encoder.dim, encoder.dim), nn.Tanh())  # in training only

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """InfoNCE between two passes, which differ in dropout."""
        z1, z2 = (self.projected(view) for view in self.view(batch, rng))
        return info_nce(z1, z2, temperature=self.temperature, ids=batch.key)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The state of the class token, without the projector."""
        return {"backbone": self.backbone(batch)}

    def backbone(self, batch: Batch) -> Tensor:
        """The state of the class token [n, dim]."""
        return cast(ClassToken, self.encoder).cls(cast(Tensor, batch.x))  # [n, d]
