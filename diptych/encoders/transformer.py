"""A small transformer for token sequences."""

from typing import Any, cast

import torch
from torch import Tensor, nn

from diptych.batch import Input
from diptych.parts.method import Encoder
from diptych.parts.tokens import PADDING


class Transformer(Encoder):
    """Pre-norm transformer with learned positions, read as the mean over its token states.

    Vaswani et al. 2017 (arXiv 1706.03762) with the pre-norm order of arXiv 2002.04745; sized to learn from scratch
    on some thousand sentences. The first token of a text is the class token. Padding is never attended to and never
    averaged.
    """

    modality = "text"

    def __init__(
        self, facts: dict[str, Any], *, dim: int = 128, depth: int = 2, heads: int = 4, dropout: float = 0.1
    ) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"encoder.dim of transformer must be a multiple of its {heads} heads, it is {dim}")
        self.dim, self.length = dim, facts["shape"][0]
        self.tokens = nn.Embedding(facts["vocabulary"], dim, padding_idx=PADDING)
        self.positions = nn.Parameter(torch.randn(self.length, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, heads, 4 * dim, dropout, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, depth, nn.LayerNorm(dim), enable_nested_tensor=False)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.tokens.weight[PADDING + 1 :], std=0.02)

    def forward(self, x: Input) -> Tensor:
        """Tokens [n, T] -> mean token state [n, dim]; 0 for a text of padding alone."""
        kept = (cast(Tensor, x) != PADDING)[..., None]  # [n, T, 1]
        return (self.states(cast(Tensor, x)) * kept).sum(1) / kept.sum(1).clamp_min(1)

    def cls(self, x: Tensor) -> Tensor:
        """Tokens [n, T] -> state of the class token [n, dim]."""
        return self.states(x)[:, 0]

    def states(self, x: Tensor) -> Tensor:
        """Tokens [n, T] -> states [n, T, dim]."""
        length = x.shape[1]
        if length > self.length:
            raise ValueError(f"a text has {length} tokens, the encoder was built for {self.length}")
        padding = x == PADDING  # [n, T]
        padding[:, 0] = False  # attention over nothing has no value
        embedded = self.dropout(self.tokens(x) + self.positions[:length])
        return cast(Tensor, self.layers(embedded, src_key_padding_mask=padding))
