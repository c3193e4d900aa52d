"""Which values of series are hidden for a masked reconstruction."""

import torch
from torch import Tensor


def geometric_mask(x: Tensor, rng: torch.Generator, *, rate: float, span: float) -> Tensor:
    """Values [n, T, C] to hide: a share `rate` of each channel, in runs of geometric length, `span` steps on average.

    Zerveas et al. 2021, arXiv 2010.02803, section 3.2: a chain of two states, hidden and seen, per channel.
    """
    leave, enter = 1 / span, rate / (1 - rate) / span
    draws = torch.rand(x.shape, generator=rng, device=x.device)  # [n, T, C]
    hidden = [draws[:, 0] < rate]
    for draw in draws[:, 1:].unbind(1):
        hidden.append(torch.where(hidden[-1], draw >= leave, draw < enter))
    return torch.stack(hidden, 1)


def without_segments(x: Tensor, rng: torch.Generator, *, segments: int, share: float) -> tuple[Tensor, Tensor]:
    """Series [n, T, C] without some segments of each channel, and these segments alone; elsewhere both are missing.

    Each holds a share of the channel's observed values, at least one; they may overlap. Liu, Chen 2024, TimesURL,
    arXiv 2312.15709.
    """
    seen = ~x.isnan()  # [n, T, C]
    rank = (seen.long().cumsum(1) - 1)[..., None]  # of a value among those observed
    count = seen.sum(1)[:, None, :, None]  # [n, 1, C, 1]
    length = (share * count).long().clamp_min(1)
    draws = torch.rand((len(x), 1, x.shape[2], segments), generator=rng, device=x.device)
    start = (draws * (count - length + 1)).long()  # [n, 1, C, segments]
    hidden = ((rank >= start) & (rank < start + length)).any(3)
    return x.masked_fill(hidden, torch.nan), x.masked_fill(~hidden, torch.nan)
