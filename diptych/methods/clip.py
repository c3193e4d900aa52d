"""CLIP."""

import math
from typing import cast

import torch
from torch import Tensor, nn

from diptych.batch import Batch, Input
from diptych.parts.method import Method, Recipe, View, features, width
from diptych.parts.objectives.clip import clip
from diptych.parts.objectives.unit import unit


class Clip(Method):
    """Each image finds its text and each text its image, under a learned temperature."""

    paper = (
        "Radford et al. 2021, Learning transferable visual models from natural language supervision, arXiv 2103.00020"
    )
    modalities = {"image_text": "light_crop"}
    negatives = "in-batch"
    missing = "impute_mean"
    # As published but for the batch (32,768 of 400 million pairs) and the second moments of Adam (0.98, for large ViT).
    recipe = Recipe(
        optimiser="adamw", lr=5e-4, weight_decay=0.2, schedule="cosine", warmup=0.005, batch_size=256, epochs=32
    )

    def __init__(
        self, encoder: nn.Module, view: View, *, temperature: float = 0.07, out_dim: int = 128, max_scale: float = 100.0
    ) -> None:
        super().__init__(encoder, view)
        self.heads = nn.ModuleDict({name: nn.Linear(d, out_dim, bias=False) for name, d in width(encoder).items()})
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)))
        self.max_scale = max_scale

    def loss(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """Two-way cross-entropy over the batch's pairs."""
        (view,) = self.view(batch, rng)
        image, text = self._joint(view.x).values()
        return clip(image, text, logit_scale=self.log_scale.exp(), ids=batch.key)

    @torch.no_grad()
    def after_step(self, batch: Batch, progress: float) -> None:
        """Keep the scale in 1 … max_scale; clamping it in the loss would leave it stuck at the cap."""
        self.log_scale.clamp_(0, math.log(self.max_scale))

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The towers' outputs, and their unit vectors in the joint space."""
        joint = {f"{name}_joint": unit(z) for name, z in self._joint(batch.x).items()}
        return features(self.encoder, batch.x) | joint

    def _joint(self, x: Input) -> dict[str, Tensor]:
        """[n, out_dim] of each modality that `x` has."""
        return {name: cast(Tensor, self.heads[name](h)) for name, h in features(self.encoder, x).items()}
