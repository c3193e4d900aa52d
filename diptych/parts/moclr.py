"""SimCLR against a slowly following copy."""

import copy
from typing import cast

import torch
from torch import Tensor, nn

from diptych.batch import Batch, Input
from diptych.parts.heads import mlp
from diptych.parts.method import Encoder
from diptych.parts.objectives.info_nce import info_nce
from diptych.parts.target import Target


class Moclr(nn.Module):
    """An encoder and a projector of their own; the keys of a batch come from their moving average.

    Tian, Hénaff, van den Oord 2021, arXiv 2105.08054 (their MoCLR): no queue, both directions. The encoder is a copy of
    the one given; forward gives its output [n, dim].
    """

    def __init__(self, encoder: Encoder, out_dim: int = 128) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder)
        self.projector = mlp(encoder.dim, encoder.dim, out_dim)
        self.keys = Target(self._online())

    def _online(self) -> nn.Sequential:
        return nn.Sequential(self.encoder, self.projector)

    def forward(self, x: Input) -> Tensor:
        """Representations [n, dim]."""
        return cast(Tensor, self.encoder(x))

    def loss(self, v1: Batch, v2: Batch, temperature: float) -> Tensor:
        """InfoNCE of each view's queries against the other view's keys, mean of both directions."""
        q1, q2 = (self._online()(v.x) for v in (v1, v2))
        k1, k2 = (self.keys(v.x) for v in (v1, v2))
        pairs = torch.stack([info_nce(q, k, temperature=temperature, ids=v1.key) for q, k in ((q1, k2), (q2, k1))])
        return pairs.mean()

    def follow(self, momentum: float) -> None:
        """The keys' network follows."""
        self.keys.follow(self._online(), momentum)
