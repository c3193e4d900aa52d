"""The dilated convolutions of TS2Vec."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diptych.batch import Input
from diptych.parts.capabilities import Crop
from diptych.parts.method import Encoder

Pairs = list[tuple[slice, slice]]  # ranges of rows, each `dilation` steps before the other


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
        return self.spans([(x, mask, slice(0, x.shape[1]))])[0]

    def spans(self, crops: Sequence[Crop]) -> list[Tensor]:
        """A span of `per_step` [n, t, dim] of each of several crops of the same series, computed together.

        Where a dilation reaches beyond every crop a convolution sees no other step: there only the span goes on.
        """
        n, sizes = len(crops[0][0]), [x.shape[1] * len(x) for x, _, _ in crops]  # series; rows of each crop
        h = torch.cat([self._latent(x, mask) for x, mask, _ in crops])
        blocks = [cast(_Block, block) for block in self.blocks]
        mixing = sum(block.first.dilation * n < max(sizes) for block in blocks)
        for block in blocks[:mixing]:
            h = block(h, n, sizes)
        asked = [slice(span.start * n, span.stop * n) for _, _, span in crops]
        h = torch.cat([part[rows] for part, rows in zip(torch.split(h, sizes), asked, strict=True)])
        sizes = [rows.stop - rows.start for rows in asked]
        for block in blocks[mixing:]:
            h = block(h, n, sizes)
        return [z.view(-1, n, self.dim).transpose(0, 1) for z in torch.split(self.dropout(h), sizes)]

    def _latent(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """The input layer [n, T, C] -> [T · n, hidden], time first."""
        kept = ~x.isnan().all(2) if mask is None else ~x.isnan().all(2) & mask  # [n, T]
        h: Tensor = self.project(x.nan_to_num(0.0)) * kept[..., None]  # [n, T, hidden]
        return h.transpose(0, 1).flatten(0, 1)

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


def _apart(shift: int, sizes: Sequence[int]) -> Pairs:
    """Within each of several parts of so many rows: all rows that have one `shift` rows later, and those."""
    ends = zip(sizes, accumulate(sizes), strict=True)
    return [(slice(end - size, end - shift), slice(end - size + shift, end)) for size, end in ends if shift < size]


class _Block(nn.Module):
    """GELU, convolution, GELU, convolution, plus the input (by a linear map in the last block)."""

    def __init__(self, d_in: int, d_out: int, dilation: int, *, last: bool) -> None:
        super().__init__()
        self.first, self.second = _Convolution(d_in, d_out, dilation), _Convolution(d_out, d_out, dilation)
        self.residual = nn.Linear(d_in, d_out) if last else nn.Identity()

    def forward(self, x: Tensor, n: int, sizes: Sequence[int]) -> Tensor:
        h = self.second(F.gelu(self.first(F.gelu(x), n, sizes)), n, sizes)
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

    def forward(self, x: Tensor, n: int, sizes: Sequence[int]) -> Tensor:
        """Rows [r, d_in] of n series, one crop of them after another, each of so many rows -> [r, d_out]."""
        pairs = _apart(self.dilation * n, sizes)
        return cast(Tensor, _Taps.apply(x, self.weight, self.bias, pairs))  # type: ignore[no-untyped-call]


class _Taps(torch.autograd.Function):
    """The three taps and their gradient; every product adds to its result in place, which autograd would not do."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, pairs: Pairs) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.pairs = pairs
        out = torch.addmm(bias, x, weight[1])
        for early, late in pairs:
            out[late].addmm_(x[early], weight[0])
            out[early].addmm_(x[late], weight[2])
        return out

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        to_x, to_weight = g @ weight[1].T, torch.zeros_like(weight)
        torch.mm(x.T, g, out=to_weight[1])
        for early, late in ctx.pairs:
            to_x[early].addmm_(g[late], weight[0].T)
            to_x[late].addmm_(g[early], weight[2].T)
            to_weight[0].addmm_(x[early].T, g[late])
            to_weight[2].addmm_(x[late].T, g[early])
        return to_x, to_weight, g.sum(0), None
