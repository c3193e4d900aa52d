"""The dilated convolutions of TS2Vec."""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diptych.batch import Input
from diptych.parts.method import Encoder


class Dilated(Encoder):
    """Residual blocks of dilated convolutions over time; a series is the maximum over its steps.

    Yue et al. 2022, TS2Vec, arXiv 2106.10466, section 3.2. A step without any value is the zero vector after the
    input layer, so what stood there cannot matter. A single missing channel of a step becomes 0, its training mean
    (the authors' code discards the whole step, which leaves nothing of 12 channels with 20 % missing values).
    """

    modality = "series"

    def __init__(
        self, facts: dict[str, Any], *, dim: int = 320, hidden: int = 64, depth: int = 10, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.dim = dim
        self.project = nn.Linear(facts["shape"][1], hidden)
        inner = [_Block(hidden, hidden, 2**i, last=False) for i in range(depth)]
        self.blocks = nn.ModuleList([*inner, _Block(hidden, dim, 2**depth, last=True)])
        self.dropout = nn.Dropout(dropout)

    def per_step(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Series [n, T, C] -> [n, T, dim]; steps where `mask` [n, T] is False are hidden from the convolutions."""
        n, steps, _ = x.shape
        kept = ~x.isnan().all(2) if mask is None else ~x.isnan().all(2) & mask  # [n, T]
        h = self.project(x.nan_to_num(0.0)) * kept[..., None]  # [n, T, hidden]
        h = h.transpose(0, 1).flatten(0, 1)  # [T · n, hidden]
        for block in self.blocks:
            h = block(h, n)
        return cast(Tensor, self.dropout(h.view(steps, n, self.dim).transpose(0, 1)))

    def forward(self, x: Input) -> Tensor:
        """Series [n, T, C] -> [n, dim], the maximum over steps from the first to the last one with a value."""
        series = cast(Tensor, x)
        outside = ~_span(~series.isnan().all(2))[..., None]  # [n, T, 1]
        return self.per_step(series).masked_fill(outside, -torch.inf).amax(1)


def _span(seen: Tensor) -> Tensor:
    """Steps [n, T] between the first and the last seen one; all of them where none was seen."""
    begun = seen.long().cumsum(1) > 0
    unfinished = seen.flip(1).long().cumsum(1).flip(1) > 0
    return (begun & unfinished) | ~seen.any(1, keepdim=True)


class _Block(nn.Module):
    """GELU, convolution, GELU, convolution, plus the input (by a linear map in the last block)."""

    def __init__(self, d_in: int, d_out: int, dilation: int, *, last: bool) -> None:
        super().__init__()
        self.first, self.second = _Convolution(d_in, d_out, dilation), _Convolution(d_out, d_out, dilation)
        self.residual = nn.Linear(d_in, d_out) if last else nn.Identity()

    def forward(self, x: Tensor, n: int) -> Tensor:
        h = self.second(F.gelu(self.first(F.gelu(x), n)), n)
        return cast(Tensor, h + self.residual(x))


class _Convolution(nn.Module):
    """Conv1d with kernel 3 and padding = dilation, for time-major rows: step t of series i is row t · n + i.

    Steps one dilation away are a range of rows, so each tap is one matrix product without any copy of the input, and
    a tap that would only meet the padding is left out: half the time of Conv1d on a CPU.
    """

    def __init__(self, d_in: int, d_out: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        bound = (3 * d_in) ** -0.5  # the initial values of Conv1d
        self.weight = nn.Parameter(torch.empty(3, d_in, d_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(d_out).uniform_(-bound, bound))

    def forward(self, x: Tensor, n: int) -> Tensor:
        """Rows [T · n, d_in] of n series -> [T · n, d_out]."""
        shift = self.dilation * n
        here = torch.addmm(self.bias, x, self.weight[1])
        if shift >= len(x):
            return here
        before, after = x[:-shift] @ self.weight[0], x[shift:] @ self.weight[2]
        return here + F.pad(before, (0, 0, shift, 0)) + F.pad(after, (0, 0, 0, shift))
