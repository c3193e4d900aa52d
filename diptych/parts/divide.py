"""The models of Divide and Contrast."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from diptych.batch import Batch, Input
from diptych.parts.clusters import divided, members, represented
from diptych.parts.heads import mlp
from diptych.parts.method import Encoder
from diptych.parts.moclr import Moclr
from diptych.parts.objectives.unit import unit

NOBODY = -1  # the cluster of a row that was held out when the rows were divided


class Experts(nn.Module):
    """One contrastive model per cluster of the training samples; each sees the rows of its cluster only."""

    cluster: Tensor

    def __init__(self, encoder: Encoder, count: int, samples: int) -> None:
        super().__init__()
        self.models = nn.ModuleList(Moclr(encoder) for _ in range(count))
        self.register_buffer("cluster", torch.full((samples,), NOBODY))  # [n_train], of each training row

    @torch.no_grad()
    def divide(self, base: Moclr, train: Batch, rng: torch.Generator) -> None:
        """Cluster what the base model makes of the training rows; every expert starts as the base model."""
        self.cluster[train.index] = divided(represented(base, train), len(self.models), rng)
        for model in self.models:
            model.load_state_dict(base.state_dict())

    def loss(self, v1: Batch, v2: Batch, temperature: float) -> Tensor:
        """Mean over the rows whose cluster has at least two in the batch, each among the rows of its cluster."""
        total, rows = 0 * next(self.parameters()).sum(), 0  # a batch without such a cluster has the gradient 0
        for number, own in members(self.cluster[v1.index], len(self.models), at_least=2):
            model, one, two = cast(Moclr, self.models[number]), v1.take(own), v2.take(own)
            total, rows = total + len(own) * model.loss(one, two, temperature), rows + len(own)
        return total / max(rows, 1)

    def follow(self, momentum: float) -> None:
        """The keys' networks follow."""
        for model in self.models:
            cast(Moclr, model).follow(momentum)


class Regressors(nn.Module):
    """A head per teacher: from the student's representation to the base model's, and to each expert's."""

    def __init__(self, dim: int, experts: int) -> None:
        super().__init__()
        self.base = mlp(dim, dim, dim)
        self.experts = nn.ModuleList(mlp(dim, dim, dim) for _ in range(experts))

    def loss(self, h: Sequence[Tensor], views: Sequence[Batch], base: Moclr, experts: Experts) -> Tensor:
        """Squared distance of unit vectors to the base model and to the own cluster's expert, mean over rows and views.

        h are the student's representations [n, d] of the same views that the teachers, in eval mode, see.
        """
        one_by_one = [self._of_view(*pair, base, experts) for pair in zip(h, views, strict=True)]
        return torch.stack(one_by_one).mean()

    def _of_view(self, h: Tensor, view: Batch, base: Moclr, experts: Experts) -> Tensor:
        total = _distance(self.base(h), base, view.x).sum()
        for number, own in members(experts.cluster[view.index], len(self.experts)):
            predicted = self.experts[number](h[own])
            total = total + _distance(predicted, experts.models[number], view.take(own).x).sum()
        return total / len(h)


def _distance(predicted: Tensor, teacher: nn.Module, x: Input) -> Tensor:
    """‖p̂ − t̂‖² of each row, [n]."""
    with torch.no_grad():
        target = teacher.eval()(x)
    return (unit(predicted) - unit(target)).square().sum(1)
