"""Instance discrimination."""

import math

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.bank import Bank, Normaliser
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.instance_softmax import instance_softmax
from diptych.parts.objectives.nce_logistic import nce_logistic
from diptych.parts.objectives.unit import unit


class Instdisc(Method):
    """Every sample is a class whose weight a memory bank remembers: softmax over all, or NCE against `noise` draws."""

    paper = "Wu, Xiong, Yu, Lin 2018, Unsupervised feature learning via instance discrimination, arXiv 1805.01978"
    modalities = TWO_VIEWS | {"image": "one_crop_jitter"}  # of two views the first
    negatives = "memory bank"
    missing = "impute_mean"
    # The authors' CIFAR-10 command: full softmax, τ 0.1, SGD 0.03, batch 128, 200 epochs.
    recipe = Recipe(
        optimiser="sgd", lr=0.03, momentum=0.9, weight_decay=5e-4, schedule="cosine", batch_size=128, epochs=200
    )

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.1,
        momentum: float = 0.5,
        noise: int = 0,
        out_dim: int = 128,
    ) -> None:
        super().__init__(encoder, view)
        self.temperature, self.momentum, self.noise = temperature, momentum, noise
        self.projector = nn.Linear(width(encoder)["backbone"], out_dim)
        self.bank = Bank(view.facts["n_train"], out_dim)
        self.normalised = Normaliser(view.facts["n_train"])

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Which sample is this?"""
        view = self.view(batch, rng)[0]
        z = self.newest = unit(self.projected(view))  # [n, d]
        ids = self.bank.objects(batch.index, batch.key)
        if not self.noise:
            return instance_softmax(z, self.bank.rows, index=batch.index, temperature=self.temperature, ids=ids)
        drawn = torch.randint(len(ids), (len(batch), self.noise), generator=rng, device=rng.device)
        rows = self.bank.rows[torch.cat([batch.index[:, None], drawn], 1)]  # [n, 1 + k, d]
        scores = self.normalised((rows * z[:, None]).sum(2) / self.temperature)
        return nce_logistic(scores[:, 0], scores[:, 1:], noise_log_prob=-math.log(len(ids)))

    def after_step(self, batch: Batch, progress: float) -> None:
        """The bank's rows of this batch follow."""
        self.bank.update(batch.index, self.newest.detach(), self.momentum)
