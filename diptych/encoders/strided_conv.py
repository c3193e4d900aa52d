"""The convolutional encoder of CLOCS."""

from itertools import pairwise
from typing import Any, cast

from torch import Tensor, nn
from torch.nn import functional as F

from diptych.batch import Input
from diptych.encoders._series import SeriesEncoder
from diptych.parts.steps import mean_inside

STRIDE, POOL = 3, 2


class StridedConv(SeriesEncoder):
    """Three convolutions of kernel 7 and stride 3, each halving time once more by a maximum; then a linear map.

    Kiyasseh, Zhu, Clifton 2021, CLOCS, arXiv 2005.13249: 4, 16 and 32 channels (`hidden` / 8, / 2, all of
    it). There the ten states of 2,500 steps stand side by side; here a series is their mean, so that it may have any
    length, and borders are padded, so that it may be short. A missing value becomes 0.
    """

    modality = "series"

    def __init__(self, facts: dict[str, Any], *, dim: int = 128, hidden: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        if hidden % 8:
            raise ValueError(f"encoder.hidden of strided_conv must be a multiple of 8, it is {hidden}")
        self.dim, self.hidden = dim, hidden
        widths = pairwise((facts["shape"][1], hidden // 8, hidden // 2, hidden))
        self.layers = nn.ModuleList(_Layer(d_in, d_out) for d_in, d_out in widths)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(hidden, dim)

    @property
    def width(self) -> int:
        """How wide a state is."""
        return self.hidden

    def steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Series [n, T, C] -> states [n, about T/216, hidden] and whether they are inside the series."""
        h, alive = self.start(x)
        for layer in self.layers:
            h, alive = layer(h, alive)
            h = self.dropout(h)
        return h.mT, alive

    def forward(self, x: Input) -> Tensor:
        """Series [n, T, C] -> [n, dim]."""
        return cast(Tensor, self.project(mean_inside(*self.steps(cast(Tensor, x)))))


class _Layer(nn.Module):
    """Convolution, batch norm, ReLU, maximum of two; 0 outside of a series, whatever stands there."""

    def __init__(self, d_in: int, d_out: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(d_in, d_out, 7, stride=STRIDE, padding=3)
        self.norm = nn.BatchNorm1d(d_out)

    def forward(self, h: Tensor, alive: Tensor) -> tuple[Tensor, Tensor]:
        """[n, d_in, T] and the steps inside [n, T] -> [n, d_out, ⌈⌈T/3⌉/2⌉] and those inside."""
        alive = _any(alive, STRIDE)
        h = F.relu(self.norm(self.convolution(h))) * alive[:, None]
        # States are not negative, so the 0 of one outside never is a maximum that matters.
        return F.max_pool1d(h, POOL, ceil_mode=True), _any(alive, POOL)


def _any(alive: Tensor, stride: int) -> Tensor:
    """Whether one of each `stride` steps is inside: [n, T] -> [n, ⌈T/stride⌉]."""
    return F.max_pool1d(alive[:, None].float(), stride, ceil_mode=True)[:, 0] > 0
