"""SubTab."""

from itertools import combinations
from typing import cast

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.capabilities import Subsets, lacks
from diptych.parts.decoders import squared_error
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.nt_xent import nt_xent
from diptych.parts.objectives.unit import unit


class Subtab(Method):
    """From every subset of its columns a row is drawn whole, and its subsets find each other among other rows'."""

    paper = (
        "Ucar, Hajiramezanali, Edwards 2021, SubTab: Subsetting features of tabular data for self-supervised "
        "representation learning, arXiv 2110.04361"
    )
    modalities = {"tabular": "swap_noise"}
    encoders = {"tabular": "subset_mlp"}
    negatives = "in-batch"
    missing = "impute_mean"
    # The paper's 15 epochs are 28,000 steps on MNIST; small tables need more epochs.
    recipe = Recipe(optimiser="adamw", lr=1e-3, batch_size=32, epochs=15)

    def __init__(self, encoder: nn.Module, view: View, *, temperature: float = 0.1) -> None:
        super().__init__(encoder, view)
        if not isinstance(encoder, Subsets):
            raise lacks("subtab", encoder, "subsets of the columns (latent)")
        self.temperature, self.subsets = temperature, encoder.subsets
        d = width(encoder)["backbone"]
        self.projector = nn.Sequential(nn.Linear(d, d), nn.LeakyReLU(), nn.Linear(d, d))
        self.decoder = nn.Linear(d, view.facts["shape"][0])

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Squared error summed over columns, mean over subsets; NT-Xent and squared distance, mean over their pairs."""
        latents = [self._latent(batch, subset, rng) for subset in range(self.subsets)]  # each [n, d]
        x = cast(Tensor, batch.x)
        drawn = torch.stack([squared_error(self.decoder(h), x) for h in latents]).mean() * x.shape[1]
        z = [unit(self.projector(h)) for h in latents]
        pairs = [
            nt_xent(a, b, temperature=self.temperature, ids=batch.key) + (a - b).square().sum(1).mean()
            for a, b in combinations(z, 2)
        ]
        return drawn + torch.stack(pairs).mean() if pairs else drawn

    def _latent(self, batch: Batch, subset: int, rng: Generator) -> Tensor:
        damaged, _ = self.view(batch, rng)  # noise of its own for every subset
        return cast(Subsets, self.encoder).latent(cast(Tensor, damaged.x), subset)
