"""Momentum contrast."""

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.moco import moco
from diptych.parts.queue import Queue
from diptych.parts.target import Target


class Moco(Method):
    """A sample finds the key of its other view among a queue of keys that a slowly following network made.

    The two-layer head of version 2. On one device the batch is not shuffled for the keys: batch norm sees it whole.
    """

    paper = "He, Fan, Wu, Xie, Girshick 2020, Momentum contrast, arXiv 1911.05722; version 2, arXiv 2003.04297"
    modalities = TWO_VIEWS
    negatives = "queue"
    missing = "impute_mean"
    # The authors' CIFAR-10 notebook: queue 4,096, m 0.99, τ 0.1, SGD 0.06, batch 512, 200 epochs. On ImageNet version
    # 2 takes 65,536, 0.999, 0.2, SGD 0.03, batch 256.
    recipe = Recipe(
        optimiser="sgd", lr=0.06, momentum=0.9, weight_decay=5e-4, schedule="cosine", batch_size=512, epochs=200
    )

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.1,
        momentum: float = 0.99,
        queue: int = 4096,
        out_dim: int = 128,
    ) -> None:
        super().__init__(encoder, view)
        self.temperature, self.momentum = temperature, momentum
        d = width(encoder)["backbone"]
        self.projector = mlp(d, d, out_dim)
        self.target = Target(nn.Sequential(encoder, self.projector))
        self.queue = Queue(min(queue, view.facts["n_train"]), out_dim)  # more would hold older keys of every sample

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """InfoNCE of queries against the queue as it was before this batch."""
        query, key = self.view(batch, rng)
        self.keys = self.target(key.x)
        ids = torch.cat([batch.key, self.queue.keys])
        q = self.projected(query)
        return moco(q, self.keys, self.queue.rows, temperature=self.temperature, ids=ids)

    def after_step(self, batch: Batch, progress: float) -> None:
        """The target follows; this batch's keys enter the queue."""
        self.target.follow(nn.Sequential(self.encoder, self.projector), self.momentum)
        self.queue.enqueue(self.keys, batch.key)
