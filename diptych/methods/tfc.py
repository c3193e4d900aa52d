"""Time-frequency consistency."""

from typing import Literal, cast

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import normed_mlp
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.nt_xent import nt_xent
from diptych.parts.spectrum import consistency, disturbed, magnitudes, twin


class Tfc(Method):
    """One encoder of a series and one of its spectrum: each contrasts by itself, and the two must agree."""

    paper = "Zhang, Zhao, Tsiligkaridis, Zitnik 2022, Time-frequency consistency (TF-C), arXiv 2206.08496"
    modalities = {"series": "augmentation_bank"}
    encoders = {"series": "series_conv"}  # its mean over steps, so that any length fits; the paper projects all steps
    negatives = "in-batch"
    missing = "impute_mean"
    seen_corruptions = frozenset({"missing_block"})
    recipe = Recipe(optimiser="adam", lr=3e-4, weight_decay=3e-4, batch_size=128, epochs=40)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.2,
        weight: float = 0.2,
        margin: float = 1.0,
        readout: Literal["projections", "representations"] = "projections",
    ) -> None:
        super().__init__(encoder, view)
        self.temperature, self.weight, self.margin, self.readout = temperature, weight, margin, readout
        self.spectral = twin(encoder)
        self.heads = nn.ModuleList(normed_mlp(width(encoder)["backbone"], 256, 128) for _ in range(2))

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """λ (L_T + L_F) + (1 − λ) L_C of a series and of a changed copy of it."""
        x, changed = cast(Tensor, batch.x), self.view(batch, rng)[0]
        spectrum = magnitudes(x)
        h = self.encoder(x), self.encoder(changed.x)
        g = self.spectral(spectrum), self.spectral(disturbed(spectrum, rng, rate=0.1, height=0.1))
        (t, t2), (f, f2) = (map(head, two) for head, two in zip(self.heads, (h, g), strict=True))
        alone = self._near(*h, batch=batch) + self._near(*g, batch=batch)
        pairs = [self._near(a, b, batch=batch) for a, b in ((t, f2), (t2, f), (t2, f2))]
        return self.weight * alone + (1 - self.weight) * consistency(self._near(t, f, batch=batch), pairs, self.margin)

    def _near(self, a: Tensor, b: Tensor, *, batch: Batch) -> Tensor:
        return nt_xent(a, b, temperature=self.temperature, ids=batch.key)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """Both projections, or both representations, side by side."""
        both = [self.encoder(batch.x), self.spectral(magnitudes(cast(Tensor, batch.x)))]
        if self.readout == "projections":
            both = [head(h) for head, h in zip(self.heads, both, strict=True)]
        return {"backbone": torch.cat(both, 1)}
