"""A small transformer over the steps of a series."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diptych.batch import Input
from diptych.encoders._series import SeriesEncoder
from diptych.parts.steps import max_inside


class SeriesTransformer(SeriesEncoder):
    """Transformer with learned positions and batch norm in the place of layer norm, read as the maximum over steps.

    Zerveas et al. 2021, A transformer-based framework for multivariate time series representation learning, arXiv
    2010.02803, section 3.1 (d 128, 3 layers, 16 heads). A missing value becomes 0, its training mean; steps outside of
    a series are not attended to and take no part in the statistics of the norms.
    """

    modality = "series"

    def __init__(
        self, facts: dict[str, Any], *, dim: int = 128, depth: int = 3, heads: int = 16, dropout: float = 0.1
    ) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"encoder.dim of series_transformer must be a multiple of its {heads} heads, it is {dim}")
        self.dim = dim
        self.length, channels = facts["shape"]
        self.project = nn.Linear(channels, dim)
        self.positions = nn.Parameter(torch.empty(self.length, dim).uniform_(-0.02, 0.02))
        self.blocks = nn.ModuleList(_Block(dim, heads, dropout) for _ in range(depth))
        self.dropout = nn.Dropout(dropout)

    def steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Series [n, T, C] -> states [n, T, dim] and the steps inside the series [n, T]."""
        if x.shape[1] > self.length:
            raise ValueError(f"a series has {x.shape[1]} steps, the encoder was built for {self.length}")
        values, alive = self.start(x)
        h = self.dropout(self.project(values.mT) + self.positions[: x.shape[1]])
        for block in self.blocks:
            h = block(h, alive)
        return F.gelu(h) * alive[..., None], alive

    def forward(self, x: Input) -> Tensor:
        """Series [n, T, C] -> [n, dim]."""
        return max_inside(*self.steps(cast(Tensor, x)))


class _Block(nn.Module):
    """Attention and a feed-forward net of twice the width, each with a residual and then a batch norm."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(dim, heads, dropout, batch_first=True)
        self.wide = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * dim, dim))
        self.first, self.second = nn.BatchNorm1d(dim), nn.BatchNorm1d(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor, alive: Tensor) -> Tensor:
        """States [n, T, d] -> the same; `alive` [n, T] are the steps inside."""
        found, _ = self.attention(h, h, h, key_padding_mask=~alive, need_weights=False)
        h = _normed(self.first, h + self.dropout(found), alive)
        return _normed(self.second, h + self.dropout(cast(Tensor, self.wide(h))), alive)


def _normed(norm: nn.Module, h: Tensor, alive: Tensor) -> Tensor:
    """Batch norm of the states inside [n, T, d]; those outside become 0."""
    out = torch.zeros_like(h)
    out[alive] = norm(h[alive])
    return out
