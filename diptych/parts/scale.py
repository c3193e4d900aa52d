"""Features on one scale, by the training rows."""

import torch
from torch import Tensor, nn

LEAST = 1e-6  # deviation of a feature that varies


class Scale(nn.Module):
    """Features [n, m] less their training mean, by their training deviation.

    A missing value is at the mean, and so is all of a feature that training rows do not vary in.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.empty(0))  # [m]
        self.register_buffer("deviation", torch.empty(0))  # [m]

    def fit(self, f: Tensor) -> None:
        """Learn mean and deviation of the training rows [n, m]."""
        self.mean = f.nanmean(0)
        deviation = (f - self.mean).square().nanmean(0).sqrt()
        self.deviation = torch.where(deviation > LEAST, deviation, torch.inf)

    def forward(self, f: Tensor) -> Tensor:
        """[n, m] -> [n, m]."""
        return ((f - self.mean) / self.deviation).nan_to_num(0.0)
