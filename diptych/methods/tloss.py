"""T-Loss."""

from typing import cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from diptych.batch import Batch
from diptych.parts.crops import crops_of
from diptych.parts.method import Method, Recipe, View, width


class Tloss(Method):
    """A stretch of a series resembles a stretch within it, and not some of other series: word2vec for series."""

    paper = (
        "Franceschi, Dieuleveut, Jaggi 2019, Unsupervised scalable representation learning for multivariate time "
        "series, arXiv 1901.10738"
    )
    modalities = {"series": "nested_crops"}
    encoders = {"series": "causal"}
    negatives = "training set"
    missing = "impute_mean"
    recipe = Recipe(optimiser="adam", lr=1e-3, batch_size=10, steps=1500)
    series: Tensor  # [n, T, C], training rows

    def __init__(self, encoder: nn.Module, view: View, *, negatives: int = 10, mean_negatives: bool = False) -> None:
        super().__init__(encoder, view)
        # The paper sums over negatives; its code, with which the published figures were made, takes their mean.
        self.count, self.share = negatives, 1 / negatives if mean_negatives else 1.0
        self.register_buffer("series", torch.empty(0), persistent=False)  # data, not weights

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """Keep the series from which negatives are cut."""
        super().calibrate(train, rng)
        self.series = cast(Tensor, train.x)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """−log σ(a·p) − Σ_k log σ(−a·n_k); a negative may come from any training series."""
        around, within = self.view(batch, rng)
        anchor, positive = self.backbone(around), self.backbone(within)
        rows = torch.randint(len(self.series), (self.count * len(batch),), generator=rng, device=rng.device)
        crops = crops_of(self.series[rows], cast(Tensor, within.x).shape[1], rng)
        negative = self.backbone(Batch(crops, rows, rows)).view(self.count, len(batch), width(self.encoder)["backbone"])
        near, far = (anchor * positive).sum(1), (anchor * negative).sum(2)  # [n], [K, n]
        return (F.softplus(-near) + self.share * F.softplus(far).sum(0)).mean()
