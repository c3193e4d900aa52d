"""CLOCS."""

from dataclasses import replace
from typing import cast

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.method import Method, Recipe, View
from diptych.parts.objectives.clocs import clocs
from diptych.parts.single_channels import single_channels
from diptych.parts.steps import mean_inside


class Clocs(Method):
    """Other stretches of a patient's recording, or other leads of it, are the positives; nothing is augmented.

    The view says which: `halves` CMSC, `channels` CMLC, `halves_of_channels` CMSMLC. One encoder reads single channels,
    each scaled by itself; in CMSC each is an instance and attracts over time alone. The patient is a sample's group,
    else its recording (its key). Where each row is one of its own (heartbeats of `fetal_ecg`, whose class is the
    patient), positives are a row's own views, and no label leaks. A series is the mean over halves, channels beside.
    """

    paper = (
        "Kiyasseh, Zhu, Clifton 2021, CLOCS: Contrastive learning of cardiac signals across space, time, and patients, "
        "arXiv 2005.13249"
    )
    modalities = {"series": "halves"}
    encoders = {"series": "strided_conv"}
    by_channel = True
    uses = frozenset({"group"})
    negatives = "in-batch"
    missing = "impute_mean"
    # The paper stops early by a validation loss, after at most 400 epochs; here the budget is fixed.
    recipe = Recipe(optimiser="adam", lr=1e-4, batch_size=256, epochs=400)

    def __init__(self, encoder: nn.Module, view: View, *, temperature: float = 0.1) -> None:
        super().__init__(encoder, view)
        self.temperature = temperature

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Patient-aware InfoNCE between the representations of each two views."""
        patients = batch.key if batch.group is None else batch.group
        views = [single_channels(view) for view in self.view(replace(batch, key=patients), rng)]
        z = [self.backbone(view) for view in views]
        return clocs(z, patients=views[0].key, temperature=self.temperature)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """Mean over the halves that hold a value; channels side by side, of none 0."""
        n, channels = len(batch), cast(Tensor, batch.x).shape[2]
        slices = [single_channels(view) for view in self.view(batch, Generator())]  # nothing is drawn
        z = torch.cat([self.backbone(one) for one in slices])  # half by half, channel by channel
        seen = torch.cat([~cast(Tensor, one.x).isnan().all(1) for one in slices])
        z, seen = (part.view(-1, channels * n, part.shape[1]).transpose(0, 1) for part in (z, seen))
        found = mean_inside(z, seen[..., 0])  # [channels · n, dim]
        return {"backbone": found.view(channels, n, -1).transpose(0, 1).flatten(1)}
