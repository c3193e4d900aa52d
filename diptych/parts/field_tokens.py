"""A token for every field of a table row."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from diptych.parts.fields import by_field, fields_of


class FieldTokens(nn.Module):
    """Encoded rows [n, F] -> tokens [n, fields, dim]: SAINT's embedding (Somepalli et al. 2021, arXiv 2106.01342).

    A field has a vector of its own; a level adds its vector, a number what a perceptron 1 → `hidden` → dim of that
    field makes of it. A missing value adds nothing: the field's own vector says that the field is there without value
    (the paper has one more vector for it, which never learns from a table without gaps).
    """

    fields: Tensor
    numeric: Tensor
    levels: Tensor

    def __init__(self, facts: Mapping[str, Any], dim: int, *, hidden: int = 100) -> None:
        super().__init__()
        fields = fields_of(facts)  # [F]
        single = torch.bincount(fields)[fields] == 1  # [F]: columns of numeric fields
        self.register_buffer("fields", fields, persistent=False)
        self.register_buffer("numeric", single.nonzero()[:, 0], persistent=False)  # columns [numeric fields]
        self.register_buffer("levels", (~single).nonzero()[:, 0], persistent=False)  # columns [levels]
        self.own = nn.Parameter(torch.randn(int(fields.max()) + 1, dim) * dim**-0.5)
        self.of_number = _Numbers(len(self.numeric), hidden, dim) if len(self.numeric) else None
        self.of_level = nn.Parameter(torch.randn(len(self.levels), dim) * dim**-0.5) if len(self.levels) else None

    def forward(self, x: Tensor) -> Tensor:
        """[n, F] -> [n, fields, dim]."""
        tokens = self.own.expand(len(x), -1, -1)
        if self.of_number is not None:
            number = x[:, self.numeric]  # [n, numeric fields]
            value = self.of_number(number.nan_to_num(0.0)) * ~number.isnan()[..., None]
            tokens = tokens.index_add(1, self.fields[self.numeric], value)
        if self.of_level is not None:
            value = x[:, self.levels, None].nan_to_num(0.0) * self.of_level  # [n, levels, dim]
            tokens = tokens.index_add(1, self.fields[self.levels], value)
        return tokens


class _Numbers(nn.Module):
    """A perceptron for each of so many numbers: [n, count] -> [n, count, dim]."""

    def __init__(self, count: int, hidden: int, dim: int) -> None:
        super().__init__()
        self.slope, self.offset = (nn.Parameter(torch.empty(count, hidden).uniform_(-1, 1)) for _ in range(2))
        self.out = nn.Parameter(torch.empty(count, hidden, dim).uniform_(-1, 1) * hidden**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        hidden = (x[..., None] * self.slope + self.offset).relu()  # [n, count, hidden]
        return torch.einsum("nch,chd->ncd", hidden, self.out)


class FieldHeads(nn.Module):
    """The value of each field from its token: a perceptron dim → 5 · dim → its columns for each field."""

    fields: Tensor
    categorical: Tensor

    def __init__(self, facts: Mapping[str, Any], dim: int) -> None:
        super().__init__()
        fields = fields_of(facts)
        count, hidden = int(fields.max()) + 1, 5 * dim
        self.register_buffer("fields", fields, persistent=False)  # [F]
        self.register_buffer("categorical", torch.bincount(fields) > 1, persistent=False)  # [fields]
        self.first = nn.Parameter(torch.empty(count, dim, hidden).uniform_(-1, 1) * dim**-0.5)
        self.bias = nn.Parameter(torch.empty(count, hidden).uniform_(-1, 1) * dim**-0.5)
        self.second = nn.Parameter(torch.empty(len(fields), hidden).uniform_(-1, 1) * hidden**-0.5)
        self.shift = nn.Parameter(torch.zeros(len(fields)))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [n, fields, dim] -> numbers and logits of levels [n, F]."""
        hidden = (torch.einsum("nfd,fdh->nfh", tokens, self.first) + self.bias).relu()  # [n, fields, hidden]
        return (hidden[:, self.fields] * self.second).sum(2) + self.shift

    def errors(self, tokens: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Cross-entropy summed over categorical fields, and mean squared error of numbers; missing ones have none."""
        predicted, seen = self(tokens), ~target.isnan()  # [n, F]
        level = self.categorical[self.fields]  # [F]
        wanted = torch.where(seen, target, 0.0)
        chosen = by_field((predicted - self._normaliser(predicted)) * wanted * level, self.fields)  # [n, fields]
        rows = by_field((seen & level).float(), self.fields).gt(0).sum(0).clamp_min(1)  # [fields] with a value
        number = seen & ~level  # [n, F]
        squared = torch.where(number, predicted - wanted, 0.0).square().sum() / number.sum().clamp_min(1)
        return -(chosen.sum(0) / rows).sum(), squared

    def _normaliser(self, logits: Tensor) -> Tensor:
        """log Σ exp over the columns of each column's field: [n, F]."""
        highest = logits.detach().amax(1, keepdim=True)  # [n, 1]
        total = by_field((logits - highest).exp(), self.fields)[:, self.fields]  # [n, F]
        return highest + total.clamp_min(1e-30).log()
