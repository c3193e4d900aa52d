"""A transformer over the fields of a table row."""

from typing import Any, cast

import torch
from torch import Tensor, nn

from diptych.batch import Input
from diptych.parts.field_attention import Block, RowBlock
from diptych.parts.field_tokens import FieldTokens
from diptych.parts.method import Encoder

HEAD = 16  # width of a head


class ColumnTokens(Encoder):
    """A class token and a token per field attend to each other; a row is its class token's last state.

    SAINT's encoder (Somepalli et al. 2021, arXiv 2106.01342); missing values are native. As it stands it is the paper's
    SAINT-s, columns only. With `intersample`, rows attend to each other too (the paper: depth 1, 4 heads, dropout 0.8):
    in training to those of their batch; afterwards to `context` training rows and to themselves, so that the embedding
    of a row does not depend on which rows are embedded with it. That attention is as wide as all tokens together.
    """

    modality = "tabular"
    context: Tensor

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        dim: int = 32,
        depth: int = 6,
        heads: int = 8,
        dropout: float = 0.1,
        intersample: bool = False,
        context: int = 256,
    ) -> None:
        super().__init__()
        if min(dim, depth, heads, context) < 1:
            raise ValueError("column_tokens needs encoder.dim, depth, heads and context of at least 1")
        self.dim, self.most = dim, context
        self.embed = FieldTokens(facts, dim)
        self.token = nn.Parameter(torch.randn(dim) * dim**-0.5)
        self.columns = nn.ModuleList(Block(dim, heads, HEAD, dropout) for _ in range(depth))
        count = 1 + len(self.embed.own)
        self.rows = nn.ModuleList(RowBlock(count, dim, heads, dropout) for _ in range(depth if intersample else 0))
        self.register_buffer("context", torch.empty(0))  # [context, F]

    def remember(self, x: Tensor, rng: torch.Generator) -> None:
        """Draw the context from training rows [n, F]; without intersample attention there is none."""
        if self.rows:
            self.context = x[torch.randperm(len(x), generator=rng, device=rng.device)[: self.most]].clone()

    def forward(self, x: Input) -> Tensor:
        """Encoded rows [n, F] -> class token [n, dim]."""
        rows = cast(Tensor, x)
        if self.training or not self.rows:
            return self.states(self.tokens(rows))[:, 0]
        if not len(self.context):
            raise RuntimeError("column_tokens with encoder.intersample has no context rows: its method must be saint")
        both = self.tokens(torch.cat([self.context, rows]))
        return self._states(both, len(self.context))[len(self.context) :, 0]

    def tokens(self, x: Tensor) -> Tensor:
        """Encoded rows [n, F] -> tokens [n, fields, dim]."""
        return cast(Tensor, self.embed(x))

    def states(self, tokens: Tensor) -> Tensor:
        """Tokens [n, fields, dim] -> states [n, 1 + fields, dim], class token first; rows see those of the batch."""
        return self._states(tokens, 0)

    def _states(self, tokens: Tensor, context: int) -> Tensor:
        states = torch.cat([self.token.expand(len(tokens), 1, -1), tokens], 1)
        for depth, column in enumerate(self.columns):
            states = column(states)
            if self.rows:
                states = self.rows[depth](states, context)
        return states
