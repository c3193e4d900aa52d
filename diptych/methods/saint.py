"""SAINT."""

from typing import cast

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.capabilities import FieldStates, with_fields
from diptych.parts.field_tokens import FieldHeads
from diptych.parts.method import Method, Recipe, View
from diptych.parts.state_contrast import StateContrast


class Saint(Method):
    """A row's field tokens find their copy after CutMix and mixup, from which every clean value is drawn again.

    Ours: a mixture keeps the larger share of its own row (the code keeps the smaller), and projections are compared by
    cosine, without which logits drift. `weights`: of contrast, cross-entropy of levels, squared error of numbers.
    """

    paper = (
        "Somepalli, Goldblum, Schwarzschild, Bruss, Goldstein 2021, SAINT: Improved neural networks, arXiv 2106.01342"
    )
    modalities = {"tabular": "cut_mix_fields"}
    encoders = {"tabular": "column_tokens"}
    negatives = "in-batch"
    missing = "native"
    recipe = Recipe(optimiser="adamw", lr=1e-4, weight_decay=0.01, batch_size=256, epochs=50)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.7,
        mixup: float = 0.2,
        weights: tuple[float, float, float] = (0.5, 1.0, 10.0),
    ) -> None:
        super().__init__(encoder, view)
        d = with_fields("saint", encoder).dim
        self.temperature, self.weights, self.own = temperature, weights, max(mixup, 1 - mixup)
        self.denoise = FieldHeads(view.facts, d)
        self.compare = StateContrast(1 + len(self.denoise.categorical), d)

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """Marginals of the view; rows that intersample attention compares others with."""
        super().calibrate(train, rng)
        cast(FieldStates, self.encoder).remember(cast(Tensor, train.x), rng)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Weighted sum of the symmetric contrast and of the errors of levels and numbers."""
        encoder, (clean, cut) = cast(FieldStates, self.encoder), self.view(batch, rng)
        tokens = encoder.tokens(cast(Tensor, cut.x))  # [n, fields, d]
        other = tokens[torch.randperm(len(batch), generator=rng, device=rng.device)]
        r = encoder.states(encoder.tokens(cast(Tensor, clean.x)))  # [n, 1 + fields, d]
        mixed = encoder.states(self.own * tokens + (1 - self.own) * other)
        contrast = self.compare(r, mixed, temperature=self.temperature, ids=batch.key)
        parts = (contrast, *self.denoise.errors(mixed[:, 1:], cast(Tensor, clean.x)))
        return torch.stack([weight * part for weight, part in zip(self.weights, parts, strict=True)]).sum()
