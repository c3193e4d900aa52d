"""Masked reconstruction of series."""

from typing import cast

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.capabilities import lacks
from diptych.parts.decoders import squared_error
from diptych.parts.masked_series import geometric_mask
from diptych.parts.method import Method, Recipe, View
from diptych.parts.steps import length_of, states, with_steps


class MaskedSeries(Method):
    """Runs of values of each channel are hidden, and read off the states of a transformer over the rest."""

    paper = (
        "Zerveas, Jayaraman, Patel, Bhamidipaty, Eickhoff 2021, A transformer-based framework for multivariate time "
        "series representation learning, arXiv 2010.02803"
    )
    modalities = {"series": "identity"}
    encoders = {"series": "series_transformer"}
    missing = "impute_mean"
    seen_corruptions = frozenset({"missing_mcar", "missing_block"})
    # The authors use RAdam; Adam with a warm-up stands in for it.
    recipe = Recipe(optimiser="adam", lr=1e-3, warmup=0.05, batch_size=128, epochs=700)

    def __init__(self, encoder: nn.Module, view: View, *, mask_rate: float = 0.15, mask_span: float = 3.0) -> None:
        super().__init__(encoder, view)
        if not 0 < mask_rate < 1 or mask_span < 1:
            raise ValueError(
                f"mask_rate must lie in (0, 1), mask_span be at least 1; they are {mask_rate}, {mask_span}"
            )
        dim, (steps, channels) = with_steps("masked_series", encoder).width, view.facts["shape"]
        if length_of(encoder, view.facts) != steps:
            raise lacks("masked_series", encoder, "a state for each step")
        self.mask_rate, self.mask_span = mask_rate, mask_span
        self.values = nn.Linear(dim, channels)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Squared error of the hidden values; the encoder sees 0 in their place."""
        (view,) = self.view(batch, rng)
        x = cast(Tensor, view.x)
        hidden = geometric_mask(x, rng, rate=self.mask_rate, span=self.mask_span) & ~x.isnan()
        h, _ = states(self.encoder, x.masked_fill(hidden, 0.0))
        return squared_error(self.values(h), torch.where(hidden, x, torch.nan))
