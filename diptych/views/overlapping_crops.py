"""The views of TS2Vec."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View


class OverlappingCrops(View):
    """Two crops that share some steps and differ in the context around them: TS2Vec (arXiv 2106.10466, section 3.3).

    One geometry per batch, one offset per series. As in the authors' code, ragged series are centred, series without
    any value are left out, and of longer ones a window of 3,000 steps is taken per batch.
    """

    modalities = ("series",)
    returns = "spans"

    def __init__(self, facts: dict[str, Any], *, max_length: int = 3000) -> None:
        super().__init__(facts)
        self.max_length = max_length

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two crops [n, t1, C] and [n, t2, C] of series [n, T, C]; `span` marks the steps they share."""
        seen = ~cast(Tensor, batch.x).isnan().all(2).all(1)  # [n]
        batch = batch.take(seen.nonzero()[:, 0]) if seen.any() else batch
        x = self._window(_centred(cast(Tensor, batch.x)), rng)
        length = x.shape[1]
        if length < 2:
            raise ValueError("crops need series of at least 2 steps; these have 1")
        shared = _draw(2, length, rng)
        left = _draw(0, length - shared, rng)
        right = left + shared
        outer_left, outer_right = _draw(0, left, rng), _draw(right, length, rng)
        offset = torch.randint(-outer_left, length - outer_right + 1, (len(x),), generator=rng, device=x.device)
        first = _take(x, offset + outer_left, right - outer_left)
        second = _take(x, offset + left, outer_right - left)
        return (
            batch.with_x(first, slice(left - outer_left, right - outer_left)),
            batch.with_x(second, slice(0, shared)),
        )

    def _window(self, x: Tensor, rng: torch.Generator) -> Tensor:
        start = _draw(0, max(x.shape[1] - self.max_length, 0), rng)
        return x[:, start : start + self.max_length]


def _draw(low: int, high: int, rng: torch.Generator) -> int:
    """A uniform integer in low … high, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng, device=rng.device))


def _take(x: Tensor, start: Tensor, length: int) -> Tensor:
    """Steps start_i … start_i + length − 1 of each series: [n, T, C] -> [n, length, C]."""
    steps = start[:, None] + torch.arange(length, device=x.device)  # [n, length]
    return x[torch.arange(len(x), device=x.device)[:, None], steps]


def _centred(x: Tensor) -> Tensor:
    """Each series shifted (cyclically) so that as many steps are missing before it as behind it."""
    seen = (~x.isnan().all(2)).long()  # [n, T]
    before, behind = seen.argmax(1), seen.flip(1).argmax(1)  # [n]; 0 where nothing was seen
    shift = (before + behind) // 2 - before
    steps = torch.arange(x.shape[1], device=x.device) - shift[:, None]  # [n, T]
    return x.gather(1, (steps % x.shape[1])[..., None].expand_as(x))
