"""Rotation prediction."""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from diptych.batch import Batch
from diptych.parts.method import Method, Recipe, View, width

TURNS = 4


class Rotation(Method):
    """Which way up was the image? To tell, one must know what it shows."""

    paper = (
        "Gidaris, Singh, Komodakis 2018, Unsupervised representation learning by predicting image rotations, "
        "arXiv 1803.07728"
    )
    modalities = {"image": "four_rotations"}
    missing = "impute_mean"
    # The paper's CIFAR-10 setting; a cosine stands in for its stepwise rate.
    recipe = Recipe(
        optimiser="sgd", lr=0.1, momentum=0.9, weight_decay=5e-4, schedule="cosine", batch_size=128, epochs=100
    )

    def __init__(self, encoder: nn.Module, view: View) -> None:
        super().__init__(encoder, view)
        self.head = nn.Linear(width(encoder)["backbone"], TURNS)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Cross-entropy of the four turns, over four copies of every image."""
        (turned,) = self.view(batch, rng)
        turns = torch.arange(TURNS, device=batch.index.device).repeat_interleave(len(batch))  # [4n]
        return F.cross_entropy(self.head(self.backbone(turned)), turns)
