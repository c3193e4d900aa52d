"""Views that destroy features at random."""

import torch
from torch import Tensor


def drop_features(x: Tensor, rng: torch.Generator, *, p: float, share: float, cells: int) -> Tensor:
    """With probability p an image loses one colour channel, or each cell of a grid with probability `share`.

    x [n, C, H, W] -> the same shape; what is lost is NaN, which an encoder reads as the training mean. Of several
    channels, one goes in half of the cases; an only channel never does. All drawn per sample.
    """
    n, channels, height, width = x.shape
    lost = torch.rand(n, 1, cells, cells, generator=rng, device=x.device) < share
    rows, columns = (torch.arange(side, device=x.device) * cells // side for side in (height, width))
    lost = lost[:, :, rows][..., columns].expand_as(x)  # [n, C, H, W]
    if channels > 1:
        channel = torch.randint(channels, (n, 1, 1, 1), generator=rng, device=x.device)
        whole = torch.arange(channels, device=x.device)[:, None, None] == channel  # [n, C, 1, 1]
        lost = torch.where(torch.rand(n, 1, 1, 1, generator=rng, device=x.device) < 0.5, whole, lost)
    chosen = torch.rand(n, 1, 1, 1, generator=rng, device=x.device) < p
    return x.masked_fill(lost & chosen, torch.nan)
