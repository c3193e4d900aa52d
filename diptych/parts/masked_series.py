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
