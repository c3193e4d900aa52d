"""Series taken apart into their channels."""

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.steps import inside

SMALLEST = 1e-6  # a range below it counts as none


def single_channels(batch: Batch) -> Batch:
    """Each channel as a row and an object of its own, from 0 to 1: series [n, T, C] -> [C n, T, 1], channel by channel.

    CLOCS (arXiv 2005.13249), whose encoder reads single leads, each scaled by its own lowest and highest value.
    """
    x = cast(Tensor, batch.x)
    n, _, channels = x.shape
    rows = torch.arange(channels * n, device=x.device)
    taken = batch.take(rows % n).with_x(from_0_to_1(torch.cat(torch.split(x, 1, dim=2))))
    return replace(taken, key=taken.key * channels + rows // n)


def from_0_to_1(x: Tensor) -> Tensor:
    """Each channel of series [n, T, 1] scaled by its own range; a gap in it becomes its mean, an end stays missing."""
    gone = x.isnan()
    low = x.masked_fill(gone, torch.inf).amin(1, keepdim=True)  # [n, 1, 1]
    high = x.masked_fill(gone, -torch.inf).amax(1, keepdim=True)
    scaled = (x - low) / (high - low).clamp_min(SMALLEST)
    return torch.where(gone & inside(x)[..., None], scaled.nanmean(1, keepdim=True), scaled)
