"""Mixup contrastive learning."""

from typing import cast

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import normed_mlp
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.mixing import beta
from diptych.parts.objectives.mixup_mcl import mixup_mcl


class Mcl(Method):
    """A mixture of two series must be recognised as so much of the one and so much of the other.

    No augmentation; its authors classify unit-length representations by the nearest neighbour.
    """

    paper = (
        "Wickström, Kampffmeyer, Mikalsen, Jenssen 2022, Mixing up contrastive learning: self-supervised "
        "representation learning for time series, Pattern Recognition Letters 155, arXiv 2203.09270"
    )
    modalities = {"series": "identity"}
    encoders = {"series": "dilated_fcn"}
    negatives = "in-batch"
    missing = "impute_mean"
    # The authors take the whole training set as one batch. α as in their text; their notebook has 1.
    recipe = Recipe(optimiser="adam", lr=1e-3, batch_size=512, epochs=1000)

    def __init__(
        self, encoder: nn.Module, view: View, *, alpha: float = 0.2, temperature: float = 0.5, out_dim: int = 128
    ) -> None:
        super().__init__(encoder, view)
        self.alpha, self.temperature = alpha, temperature
        d = width(encoder)["backbone"]
        self.projector = normed_mlp(d, d, out_dim)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Soft InfoNCE from mixtures to their components; a value is missing where it is in one of both."""
        (view,) = self.view(batch, rng)
        x = cast(Tensor, view.x)
        order = torch.randperm(len(x), generator=rng, device=x.device)
        share = beta(self.alpha, rng)  # one for the batch
        mixed = self.projected(view.with_x(share * x + (1 - share) * x[order]))
        z = self.projected(view)  # those of the permuted batch are the same, permuted
        return mixup_mcl(mixed, z, z[order], lam=share, temperature=self.temperature)
