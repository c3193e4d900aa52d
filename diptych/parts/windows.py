"""Windows of long series: their length, their places, how they are cut out, and a series read window by window."""

from typing import cast

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.steps import ends

FEWEST = 5  # windows that fit into a series, so that some are far from others
SHORTEST = 4  # steps of a window that is a share of the series


def window_length(delta: float, steps: int) -> int:
    """Steps of a window: a share of the series' length where `delta` is below 1, else their number."""
    length = max(round(delta * steps), SHORTEST) if delta < 1 else round(delta)
    if not delta > 0 or length * FEWEST > steps:
        raise ValueError(
            f"delta must be above 0 and leave room for {FEWEST} windows in a series; it is {delta:g}, "
            f"windows of {length} steps, and the series have {steps}"
        )
    return length


def windows_at(x: Tensor, start: Tensor, length: int) -> Tensor:
    """Stretches of series [n, T, C] from steps `start` [n, k] on: [n, k, length, C]; beyond the end all is missing."""
    at = start[..., None] + torch.arange(length, device=x.device)  # [n, k, length]
    rows = torch.arange(len(x), device=x.device)[:, None, None]
    return x[rows, at.clamp_max(x.shape[1] - 1)].masked_fill((at >= x.shape[1])[..., None], torch.nan)


def encoded(encoder: nn.Module, windows: Tensor) -> Tensor:
    """Windows [n, k, length, C] -> their representations [n, k, d]."""
    n, k = windows.shape[:2]
    return cast(Tensor, encoder(windows.flatten(0, 1))).view(n, k, -1)


def read_by_window(encoder: nn.Module, content: object, length: int) -> Tensor:
    """Series [n, T, C] -> the mean representation [n, d] of the windows that follow each other from the first value on.

    Each counts by the number of its steps that have a value, so what lies behind a ragged end counts nothing.
    """
    x = cast(Tensor, content)
    start = ends(x)[0][:, None] + torch.arange(0, x.shape[1], length, device=x.device)  # [n, k]
    windows = windows_at(x, start, length)
    seen = (~windows.isnan().all(3)).sum(2)[..., None]  # [n, k, 1]
    return (encoded(encoder, windows) * seen).sum(1) / seen.sum(1).clamp_min(1)


def long_enough(batch: Batch, length: int) -> Batch:
    """The series of a batch that hold enough windows of this length; all where none does."""
    first, last = ends(cast(Tensor, batch.x))
    enough = last - first + 1 >= FEWEST * length  # [n]
    return batch.take(enough.nonzero()[:, 0]) if enough.any() else batch


class Places:
    """The steps of each series [n, T, C] at which a window of `length` steps may start, all of it inside."""

    def __init__(self, content: object, length: int) -> None:
        self.x, self.length = cast(Tensor, content), length
        self.first, last = ends(self.x)
        self.last = torch.maximum(last - length + 1, self.first)  # [n]
        self.steps = torch.arange(self.x.shape[1], device=self.x.device)  # [T]
        self.inside = (self.steps >= self.first[:, None]) & (self.steps <= self.last[:, None])  # [n, T]

    def windows(self, *starts: Tensor) -> Tensor:
        """The windows from all these steps on, [n, k] each: [n, Σ k, length, C]."""
        return windows_at(self.x, torch.cat(starts, 1), self.length)

    def anywhere(self, rng: Generator) -> Tensor:
        """One start per series: [n, 1]."""
        return drawn_from(self.inside, 1, rng)

    def near(self, start: Tensor, reach: Tensor, count: int, rng: Generator) -> Tensor:
        """Starts [n, count] ~ N(start, reach²), moved inside; `start` [n, 1], `reach` [n]."""
        noise = torch.randn((len(start), count), generator=rng, device=start.device)
        at = (start + noise * reach[:, None]).round().long()
        return at.clamp(self.first[:, None], self.last[:, None])

    def distant(self, start: Tensor, least: Tensor, count: int, rng: Generator) -> Tensor:
        """Starts [n, count] at least so far [n] from `start` [n, 1], else the farthest, on the side with more room."""
        behind, ahead = start - self.first[:, None], self.last[:, None] - start  # [n, 1]
        side = torch.where(ahead >= behind, self.steps >= start, self.steps <= start)
        far = self._distance(start) >= torch.minimum(least[:, None], torch.maximum(behind, ahead))
        return drawn_from(self.inside & side & far, count, rng)

    def unlike(self, start: Tensor, reach: Tensor, acf: Tensor, count: int, rng: Generator, *, most: float) -> Tensor:
        """Starts [n, count] beyond the neighbourhood of `start` [n, 1] and with an autocorrelation of at most `most`.

        The least correlated where there are none; reach [n], acf [n, T].
        """
        distance = self._distance(start)
        farthest = (distance * self.inside).amax(1, keepdim=True)
        beyond = self.inside & (distance > torch.minimum(reach[:, None], farthest - 1))
        likeness = acf.gather(1, distance).masked_fill(~beyond, torch.inf)
        return drawn_from(beyond & (likeness <= likeness.amin(1, keepdim=True).clamp_min(most)), count, rng)

    def _distance(self, start: Tensor) -> Tensor:
        return (self.steps - start).abs()  # [n, T]


def drawn_from(allowed: Tensor, count: int, rng: Generator) -> Tensor:
    """Steps [n, count] drawn evenly, with replacement, from those `allowed` [n, T] in each row: at least one."""
    number = allowed.long().cumsum(1)  # of an allowed step, from 1 on
    draws = torch.rand((len(allowed), count), generator=rng, device=allowed.device)
    return torch.searchsorted(number, 1 + (draws * number[:, -1:]).long())
