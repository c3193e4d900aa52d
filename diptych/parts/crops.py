"""Random stretches of series."""

import torch
from torch import Tensor

from diptych.parts.steps import ends


def lengths(x: Tensor, rng: torch.Generator, *, least: int) -> tuple[Tensor, Tensor]:
    """Lengths [n] of an inner crop, U{least … T}, and of an outer one, U{inner … T}, of series [n, T, C].

    T is a series' own length, and the share of it is drawn once for the batch.
    """
    first, last = ends(x)
    whole = last - first + 1  # [n]
    inner = _between(whole.clamp_max(least), whole, rng)
    return inner, _between(inner, whole, rng)


def _between(low: Tensor, high: Tensor, rng: torch.Generator) -> Tensor:
    share = torch.rand((), generator=rng, device=rng.device)
    return low + (share * (high - low + 1)).long()


def random_crops(x: Tensor, length: Tensor, rng: torch.Generator) -> Tensor:
    """A stretch of `length` [n] steps anywhere inside each of the series [n, T, C]; shorter ones end with NaN."""
    first, last = ends(x)
    choices = (last - first + 2 - length).clamp_min(1)  # [n]
    share = torch.rand(len(x), generator=rng, device=rng.device)
    start = first + (share * choices).long()
    step = torch.arange(int(length.max()), device=x.device)
    at = start[:, None] + step  # [n, t]
    crops = x.gather(1, at.clamp_max(x.shape[1] - 1)[..., None].expand(-1, -1, x.shape[2]))
    beyond = (step >= length[:, None]) | (at >= x.shape[1])
    return crops.masked_fill(beyond[..., None], torch.nan)


def crops_of(x: Tensor, length: int, rng: torch.Generator) -> Tensor:
    """A stretch of `length` steps of each of the series [n, T, C]; the whole of a shorter one."""
    first, last = ends(x)
    return random_crops(x, (last - first + 1).clamp_max(length), rng)
