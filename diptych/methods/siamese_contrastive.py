"""Siamese networks with the contrastive pair loss."""

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.labels import labels_of, nothing
from diptych.parts.method import ONE_VIEW, Method, Recipe, View
from diptych.parts.objectives.contrastive_pair import contrastive_pair


class SiameseContrastive(Method):
    """Pairs of one class attract, pairs of two classes repel until a margin.

    All pairs of the batch, samples as they are; the two kinds are averaged apart, or the many unlike pairs would drown
    the like ones. The encoder's output is the embedding. The paper also pairs by nearness of inputs, without labels.
    """

    role = "supervised"
    paper = "Hadsell, Chopra, LeCun 2006, Dimensionality reduction by learning an invariant mapping, CVPR"
    modalities = ONE_VIEW
    uses = frozenset({"label"})
    missing = "impute_mean"
    # The paper names no rate, batch or budget: plain settings, those of the supervised encoder but for its decay.
    recipe = Recipe(optimiser="adam", lr=1e-3, schedule="cosine", batch_size=128, per_class=2, epochs=100)

    def __init__(self, encoder: nn.Module, view: View, *, margin: float = 1.0) -> None:
        super().__init__(encoder, view)
        self.margin = margin

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Half the mean over like pairs and half the mean over unlike ones; a kind that is missing adds nothing."""
        labels = labels_of(batch)
        (view,) = self.view(batch, rng)
        z = self.backbone(view)  # [n, d]
        i, j = torch.triu_indices(len(z), len(z), offset=1, device=z.device)  # [n (n − 1) / 2] each
        same = labels[i] == labels[j]
        kinds = [k for k in (same, ~same) if k.any()]
        parts = [contrastive_pair(z[i[k]], z[j[k]], same=same[k], margin=self.margin) for k in kinds]
        return torch.stack([nothing(z), *parts]).sum() / 2
