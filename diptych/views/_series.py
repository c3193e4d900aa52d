"""Geometry of views of series: all within the steps from the first to the last one with a value; gaps stay gaps."""

from abc import abstractmethod
from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.parts.steps import ends, inside

SLOWEST = 0.1  # of the mean speed: a warped path never stands still or turns back


class TwoDraws(View):
    """A view that changes every series of the batch twice, apart."""

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two views of series [n, T, C]."""
        x = cast(Tensor, batch.x)
        return batch.with_x(self.drawn(x, rng)), batch.with_x(self.drawn(x, rng))

    @abstractmethod
    def drawn(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """One change per series: [n, T, C] -> [n, T, C]."""


def shares(**settings: float) -> None:
    """Refuse a setting of a view that is no share or probability."""
    for name, value in settings.items():
        if not 0 <= value <= 1:
            raise ValueError(f"view.{name} must lie between 0 and 1, it is {value}")


def at_least(least: float, **settings: float) -> None:
    """Refuse a setting of a view that is too small."""
    for name, value in settings.items():
        if value < least:
            raise ValueError(f"view.{name} must be at least {least:g}, it is {value}")


def several_channels(view: str, facts: dict[str, Any]) -> None:
    """Refuse series that have no channels to tell apart."""
    if facts["shape"][1] < 2:
        raise ValueError(f"view {view} needs series of two or more channels; these have {facts['shape'][1]}")


def uniform(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """Draws from U(0, 1)."""
    return torch.rand(shape, generator=rng, device=rng.device)


def normal(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """Draws from N(0, 1)."""
    return torch.randn(shape, generator=rng, device=rng.device)


def noisy(x: Tensor, sigma: float, rng: torch.Generator) -> Tensor:
    """Jitter: x + N(0, σ²), one draw per value."""
    return x + sigma * normal(tuple(x.shape), rng)


def scaled(x: Tensor, sigma: float, rng: torch.Generator, mean: float = 1.0) -> Tensor:
    """x · N(mean, σ²), one factor per series and channel."""
    return x * (mean + sigma * normal((len(x), 1, x.shape[2]), rng))


def permuted(x: Tensor, segments: int, rng: torch.Generator) -> Tensor:
    """Each series cut into U{1 … segments} pieces, none of them empty, in a random order; all channels alike."""
    n, length, _ = x.shape
    within = inside(x)  # [n, T]
    count = (1 + (uniform((n,), rng) * segments).long()).minimum(within.sum(1))  # [n]
    # A piece begins at the first step inside and at `count` − 1 others, those with the smallest draws.
    draws = uniform((n, length), rng).masked_fill(~within, 2.0).scatter(1, ends(x)[0][:, None], -1.0)
    cuts = draws.argsort(1).argsort(1) < count[:, None]  # [n, T]
    piece = (cuts.long().cumsum(1) - 1).clamp_min(0)
    place = uniform((n, segments), rng).gather(1, piece)  # [n, T], one number per piece
    steps = torch.arange(length, device=x.device)
    before, behind = steps < ends(x)[0][:, None], steps > ends(x)[1][:, None]
    order = place.masked_fill(before, -1.0).masked_fill(behind, 2.0).argsort(dim=1, stable=True)
    return x.gather(1, order[..., None].expand_as(x))


def resampled(x: Tensor, at: Tensor) -> Tensor:
    """Series [n, T, C] read at fractional steps `at` [n, T'] by linear interpolation.

    A value that is missing has no part in it: the result is missing where most of what it is made of is.
    """
    low = at.floor().long().clamp(0, x.shape[1] - 1)
    high = (low + 1).clamp_max(x.shape[1] - 1)
    weight = (at - low)[..., None]  # [n, T', 1]
    pair = torch.cat([x.nan_to_num(0.0), (~x.isnan()).to(x.dtype)], 2)  # [n, T, 2C]
    a, b = (pair.gather(1, i[..., None].expand(-1, -1, pair.shape[2])) for i in (low, high))
    value, seen = torch.lerp(a, b, weight).chunk(2, 2)
    return torch.where(seen > 0.5, value / seen.clamp_min(0.5), torch.nan)


def progress(x: Tensor) -> Tensor:
    """Where each step stands between the first (0) and the last value (1) of its series: [n, T]; beyond outside."""
    first, last = ends(x)
    steps = torch.arange(x.shape[1], device=x.device)
    return (steps - first[:, None]) / (last - first).clamp_min(1)[:, None]


def read_at(x: Tensor, share: Tensor) -> Tensor:
    """Series read at shares [n, T] of their length; a step outside of a series stays as it is, missing."""
    first, last = ends(x)
    at = first[:, None] + share.clamp(0, 1) * (last - first)[:, None]
    return torch.where(inside(x)[..., None], resampled(x, at), torch.nan)


def window(x: Tensor, share: Tensor, rng: torch.Generator) -> Tensor:
    """A random window of each series, `share` [n] of its length, stretched to the whole length."""
    start = uniform((len(x),), rng) * (1 - share)
    return read_at(x, start[:, None] + share[:, None] * progress(x))


def smooth(knots: Tensor, at: Tensor) -> Tensor:
    """A natural cubic spline through k even knots [n, k, c], read at shares 0 … 1 of its length [n, T]: [n, T, c]."""
    last = knots.shape[1] - 1
    low = (at * last).floor().long().clamp(0, last - 1)  # [n, T]
    s = (at * last - low)[..., None]
    bend = torch.einsum("ij,njc->nic", _curvature(last + 1, knots), knots)
    y, z, m, w = (v.gather(1, i[..., None].expand(-1, -1, v.shape[2])) for v in (knots, bend) for i in (low, low + 1))
    return (1 - s) * y + s * z + (((1 - s) ** 3 - (1 - s)) * m + (s**3 - s) * w) / 6


def _curvature(k: int, like: Tensor) -> Tensor:
    """The linear map [k, k] from values at even knots to second derivatives there, which are 0 at both ends."""
    eye = torch.eye(k, dtype=torch.float64)
    inner = 4 * eye + eye.roll(1, 1) + eye.roll(-1, 1)
    second = 6 * (eye.roll(1, 1) + eye.roll(-1, 1) - 2 * eye)
    inner[[0, -1]], second[[0, -1]] = eye[[0, -1]], 0 * eye[[0, -1]]
    found: Tensor = torch.linalg.solve(inner, second)
    return found.to(like)


def spline_knots(x: Tensor, knots: int, sigma: float, rng: torch.Generator, *, channels: int) -> Tensor:
    """Curves around 1 through N(1, σ²) at `knots` inner places and both ends: [n, T, channels]."""
    drawn = 1 + sigma * normal((len(x), knots + 2, channels), rng)
    return smooth(drawn, progress(x).clamp(0, 1))


def warped(x: Tensor, sigma: float, knots: int, rng: torch.Generator) -> Tensor:
    """Each series read along a smooth path from its first to its last step, at a speed that varies around 1."""
    within = inside(x)
    speed = spline_knots(x, knots, sigma, rng, channels=1)[..., 0].clamp_min(SLOWEST) * within  # [n, T]
    travelled = speed.cumsum(1)
    begun = speed.gather(1, ends(x)[0][:, None])  # the first step is where the path begins
    whole = (travelled[:, -1:] - begun).clamp_min(SLOWEST)
    return read_at(x, (travelled - begun) / whole)


def without_bins(x: Tensor, rate: float, rng: torch.Generator) -> Tensor:
    """Each frequency of a series gone with probability `rate`, in all channels; missing values count as 0, the mean."""
    spectrum = torch.fft.rfft(x.nan_to_num(0.0), dim=1)  # [n, T // 2 + 1, C]
    kept = uniform((len(x), spectrum.shape[1], 1), rng) >= rate
    return torch.where(x.isnan(), torch.nan, torch.fft.irfft(spectrum * kept, n=x.shape[1], dim=1))


def hidden_spans(x: Tensor, spans: int, share: float, rng: torch.Generator) -> Tensor:
    """Steps [n, T] within `spans` random spans, each `share` of the length of the series."""
    start = uniform((len(x), spans, 1), rng) * (1 - share)  # [n, spans, 1]
    at = progress(x)[:, None]  # [n, 1, T]
    return ((at >= start) & (at <= start + share)).any(1)


def halved(x: Tensor) -> tuple[Tensor, Tensor]:
    """The earlier and the later half of each series [n, T, C]; of an odd number of steps both have the middle one.

    [n, ⌈T/2⌉, C] each; the half of a shorter series is filled up with missing steps.
    """
    (first, last), steps = ends(x), torch.arange((x.shape[1] + 1) // 2, device=x.device)
    size = ((last - first) // 2 + 1)[:, None]  # [n, 1]
    at = [(start + steps).clamp_max(x.shape[1] - 1) for start in (first[:, None], last[:, None] - size + 1)]
    earlier, later = (x.gather(1, i[..., None].expand(-1, -1, x.shape[2])) for i in at)
    behind = (steps >= size)[..., None]
    return earlier.masked_fill(behind, torch.nan), later.masked_fill(behind, torch.nan)
