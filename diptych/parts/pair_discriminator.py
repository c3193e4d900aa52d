"""Whether two windows belong together."""

import torch
from torch import Tensor, nn


class PairDiscriminator(nn.Module):
    """Two representations side by side through a hidden layer of twice their width: TNC (arXiv 2106.00750)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2 * dim, 4 * dim), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4 * dim, 1))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Windows [n, 1 + 2k, d], an anchor first -> logits [n, k] that the next, and the last k are near it."""
        anchor, others = z[:, :1], z[:, 1:]
        logits = self.layers(torch.cat([anchor.expand_as(others), others], 2))[..., 0]
        near, far = logits.chunk(2, 1)
        return near, far
