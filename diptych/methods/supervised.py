"""The supervised encoder."""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from diptych.batch import Batch
from diptych.parts.labels import labels_of
from diptych.parts.method import ONE_VIEW, Method, Recipe, View, features, width


class Supervised(Method):
    """The same encoder trained on the labels with a linear head: the upper bound."""

    role = "supervised"
    modalities = ONE_VIEW | {"image_text": "identity"}
    uses = frozenset({"label"})
    missing = "impute_mean"
    # Ours: plain settings that suit all default encoders; no paper stands behind them.
    recipe = Recipe(optimiser="adamw", lr=1e-3, weight_decay=0.01, schedule="cosine", batch_size=64, epochs=100)

    def __init__(self, encoder: nn.Module, view: View) -> None:
        super().__init__(encoder, view)
        classes = view.facts["classes"]
        self.heads = nn.ModuleDict({name: nn.Linear(d, classes) for name, d in width(encoder).items()})

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Cross-entropy, summed over the towers of a pair."""
        labels = labels_of(batch)
        (view,) = self.view(batch, rng)
        logits = {name: self.heads[name](h) for name, h in features(self.encoder, view.x).items()}
        return torch.stack([F.cross_entropy(z, labels) for z in logits.values()]).sum()
