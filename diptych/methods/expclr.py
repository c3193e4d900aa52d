"""ExpCLR."""

from typing import cast

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.expert_features import diameter, expert_features
from diptych.parts.method import Method, Recipe, View
from diptych.parts.objectives.expclr import expclr
from diptych.parts.scale import Scale


class Expclr(Method):
    """Two series are as far apart as an expert's features of them are: no augmentation, no negatives.

    The features, statistics of each channel, are those of the training rows; the largest distance among them is the
    same in every batch.
    """

    paper = (
        "Nonnenmacher, Oldenburg, Steinwart, Reeb 2022, Utilizing expert features for contrastive learning of "
        "time-series representations, arXiv 2206.11517"
    )
    modalities = {"series": "identity"}
    encoders = {"series": "fcn"}
    missing = "impute_mean"
    # Ours: the authors published no code.
    recipe = Recipe(optimiser="adam", lr=1e-3, batch_size=64, epochs=100)
    features: Tensor  # [n, m], of the training rows

    def __init__(self, encoder: nn.Module, view: View, *, delta: float = 1.0, temperature: float = 0.1) -> None:
        super().__init__(encoder, view)
        self.delta, self.temperature = delta, temperature
        self.register_buffer("features", torch.empty(0), persistent=False)  # data, not weights

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """Measure the training rows."""
        super().calibrate(train, rng)
        features, scale = expert_features(cast(Tensor, train.x)), Scale()
        scale.fit(features)
        self.features = scale(features)
        self.largest = diameter(self.features)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Soft maximum of the squared errors of all distances."""
        (view,) = self.view(batch, rng)
        f = self.features[batch.index]
        z = self.backbone(view)
        return expclr(z, f, delta=self.delta, temperature=self.temperature, largest=self.largest)
