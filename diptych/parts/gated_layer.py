"""A transformer layer with a gate per token."""

from typing import cast

from torch import Tensor, nn


class GatedLayer(nn.Module):
    """Post-norm attention, then a feed-forward whose hidden layer a token opens or shuts: σ(w·x) · (W x).

    Wang & Sun 2022, TransTab (arXiv 2205.09328, section 3.2).
    """

    def __init__(self, dim: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.gate = nn.Linear(dim, 1, bias=False)
        self.open, self.close = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2))

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        """Tokens [n, T, dim] -> the same; nobody looks at `padding` [n, T]."""
        first, second = self.norms
        x = first(x + self.attention(x, x, x, key_padding_mask=padding, need_weights=False)[0])
        hidden = (self.open(x) * self.gate(x).sigmoid()).relu()
        return cast(Tensor, second(x + self.close(hidden)))
