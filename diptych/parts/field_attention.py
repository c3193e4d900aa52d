"""Attention between the fields of a row, and between rows."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head self-attention whose heads need not share out the width."""

    def __init__(self, dim: int, heads: int, head_dim: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.project = nn.Linear(dim, 3 * heads * head_dim, bias=False)
        self.out = nn.Linear(heads * head_dim, dim)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """[n, T, dim] -> the same, where `mask` [T, T] says whom each may look at."""
        q, k, v = self.project(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # each [n, heads, T, d]
        dropout = self.dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
        return cast(Tensor, self.out(seen.transpose(1, 2).flatten(2)))


class GatedFeedForward(nn.Module):
    """GEGLU (Shazeer 2020, arXiv 2002.05202), four times as wide inside."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.open, self.close, self.dropout = nn.Linear(dim, 8 * dim), nn.Linear(4 * dim, dim), nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[…, dim] -> the same."""
        value, gate = self.open(x).chunk(2, dim=-1)
        return cast(Tensor, self.close(self.dropout(value * F.gelu(gate))))


class Block(nn.Module):
    """Pre-norm attention and feed-forward, each beside a residual."""

    def __init__(self, dim: int, heads: int, head_dim: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.inner = Attention(dim, heads, head_dim, dropout), GatedFeedForward(dim, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """[n, T, dim] -> the same."""
        first, second = self.norms
        x = x + self.attention(first(x), mask)
        return cast(Tensor, x + self.inner(second(x)))


class RowBlock(nn.Module):
    """The same between rows: a row is one token, all its states side by side (SAINT's intersample attention)."""

    def __init__(self, tokens: int, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.block = Block(tokens * dim, heads, 64, dropout)

    def forward(self, x: Tensor, context: int = 0) -> Tensor:
        """States [n, T, dim] -> the same; with a context, its rows (the first) and each row's own are all it sees."""
        n = len(x)
        mask = None
        if context:
            mask = torch.eye(n, dtype=torch.bool, device=x.device)
            mask[:, :context] = True
        return cast(Tensor, self.block(x.flatten(1)[None], mask)[0].unflatten(1, x.shape[1:]))
