"""The prototypes of SwAV."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from diptych.parts.objectives.sinkhorn import sinkhorn
from diptych.parts.objectives.swav import swapped_prediction, swav
from diptych.parts.objectives.unit import unit
from diptych.parts.queue import Queue

ASSIGN = (0, 1)  # the crops that assign codes: the large ones


class Prototypes(nn.Module):
    """Unit vectors that crops are assigned to, with a queue of `queue` earlier samples for each large crop.

    A full queue is balanced along with the batch, and the batch's codes are kept. Caron et al. 2020, arXiv 2006.09882,
    section 4; the authors' `main_swav.py`.
    """

    before: Tensor  # [K, d], the unit prototypes of the step in training
    newest: tuple[Tensor, ...]  # [n, d], its large crops, until they enter the queues

    def __init__(self, count: int, dim: int, *, queue: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(unit(torch.randn(count, dim)))
        self.queues = nn.ModuleList([Queue(queue, dim) for _ in ASSIGN] if queue else [])

    def loss(self, crops: Sequence[Tensor], *, temperature: float, epsilon: float, iterations: int) -> Tensor:
        """Swapped prediction among unit crops [n, d]: the large ones assign, all predict."""
        self.before, self.newest = unit(self.rows), tuple(crops[crop].detach() for crop in ASSIGN)
        scores = [crop @ self.before.T for crop in crops]  # [n, K] each
        queues = [cast(Queue, queue) for queue in self.queues]
        if not queues or not all(queue.full for queue in queues):
            return swav(scores, temperature=temperature, assign=ASSIGN, epsilon=epsilon, iterations=iterations)
        pooled = [
            torch.cat([queue.rows @ self.before.T, scores[crop]]) for crop, queue in zip(ASSIGN, queues, strict=True)
        ]
        codes = [sinkhorn(both, epsilon=epsilon, iterations=iterations)[-len(scores[0]) :] for both in pooled]
        return swapped_prediction(scores, dict(zip(ASSIGN, codes, strict=True)), temperature=temperature)

    @torch.no_grad()
    def settle(self, *, frozen: bool) -> None:
        """After a step of the optimiser: back to the sphere, or to where they were."""
        self.rows.copy_(self.before if frozen else unit(self.rows))

    def enqueue(self, key: Tensor) -> None:
        """The large crops of the objects `key` [n] enter the queues."""
        for queue, crop in zip(self.queues, self.newest, strict=False):
            cast(Queue, queue).enqueue(crop, key)
