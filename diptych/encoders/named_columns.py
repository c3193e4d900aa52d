"""A transformer that reads a table row as words and numbers."""

import copy
from typing import Any, cast

import torch
from torch import Tensor, nn

from diptych.batch import Input
from diptych.parts.column_words import ColumnWords, vocabulary
from diptych.parts.gated_layer import GatedLayer
from diptych.parts.method import Encoder
from diptych.parts.tokens import PADDING


class NamedColumns(Encoder):
    """Levels are the words "column level", a number is its column's mean word times its value; a class token reads all.

    TransTab's encoder (Wang & Sun 2022, arXiv 2205.09328): no positions, so the order of columns is nothing; a missing
    value has no token. Numbers are z-scores (the paper: 0..1, where a missing one looks like the smallest). `reading`
    gives the same network for a table with other columns.
    """

    modality = "tabular"
    transfers = True

    def __init__(
        self, facts: dict[str, Any], *, dim: int = 128, depth: int = 2, heads: int = 8, hidden: int = 256
    ) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"encoder.dim of named_columns must be a multiple of its {heads} heads, it is {dim}")
        self.dim, self.tokenizer = dim, vocabulary(facts)
        self.columns = ColumnWords(facts, self.tokenizer)
        self.words = nn.Embedding(self.tokenizer.get_vocab_size(), dim, padding_idx=PADDING)
        nn.init.kaiming_normal_(self.words.weight)  # the smaller they begin, the further a step turns them
        self.norm = nn.LayerNorm(dim)
        self.bias = nn.Parameter(torch.empty(dim).uniform_(-1, 1) * dim**-0.5)
        self.align = nn.Linear(dim, dim, bias=False)
        self.token = nn.Parameter(torch.empty(dim).uniform_(-1, 1) * dim**-0.5)
        self.layers = nn.ModuleList(GatedLayer(dim, heads, hidden) for _ in range(depth))

    def reading(self, facts: dict[str, Any]) -> "NamedColumns":
        """This encoder, its weights shared, for the columns of another table: their words in this one's vocabulary."""
        other = copy.copy(self)
        other._modules = self._modules | {"columns": ColumnWords(facts, self.tokenizer)}
        return other

    def forward(self, x: Input) -> Tensor:
        """Encoded rows [n, F] -> class token [n, dim]."""
        rows = cast(Tensor, x)
        numbers, words = self.columns.numbers(rows), self.columns.words(rows)
        padding = torch.cat([numbers.isnan(), words == PADDING], 1)  # [n, T]
        tokens = torch.cat([self._numbers(numbers), self.norm(self.words(words))], 1)  # [n, T, dim]
        used = ~padding.all(0)  # a token that nobody has, such as those of columns in another partition
        states = torch.cat([self.token.expand(len(rows), 1, -1), self.align(tokens[:, used])], 1)
        padding = torch.cat([padding.new_zeros(len(rows), 1), padding[:, used]], 1)
        for layer in self.layers:
            states = layer(states, padding)
        return states[:, 0]

    def _numbers(self, x: Tensor) -> Tensor:
        """Numbers [n, k] -> [n, k, dim]."""
        names = self.columns.names  # [k, words]
        there = (names != PADDING)[..., None]
        mean: Tensor = (self.norm(self.words(names)) * there).sum(1) / there.sum(1).clamp_min(1)  # [k, dim]
        return x[..., None].nan_to_num(0.0) * mean + self.bias
