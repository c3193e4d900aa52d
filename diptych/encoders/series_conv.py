"""The convolutional encoder of TS-TCC."""

from itertools import pairwise
from typing import Any, Literal, cast

from torch import Tensor, nn
from torch.nn import functional as F

from diptych.batch import Input
from diptych.encoders._series import Convolution, SeriesEncoder
from diptych.parts.steps import mean_inside


class SeriesConv(SeriesEncoder):
    """Three convolutions of kernel 8, each halving time by a maximum; widths d/4, d/2, d.

    Eldele et al. 2021, TS-TCC, arXiv 2106.14112, section 4.2 (after Wang et al. 2017); d is 128. A series is the mean
    over its states; `readout` "flat" keeps all of them side by side, as the paper's linear probe reads them. A
    missing value becomes 0, its training mean; states behind the end of a series are 0.
    """

    modality = "series"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        dim: int = 128,
        dropout: float = 0.35,
        readout: Literal["mean", "flat"] = "mean",
    ) -> None:
        super().__init__()
        if dim < 4 or dim % 4:
            raise ValueError(f"encoder.dim of series_conv must be a multiple of 4, it is {dim}")
        length, inputs = facts["shape"]
        self.channels, self.readout = dim, readout
        self.dim = dim * _length(length) if readout == "flat" else dim
        widths = pairwise((inputs, dim // 4, dim // 2, dim))
        self.layers = nn.ModuleList(Convolution(d_in, d_out, 8) for d_in, d_out in widths)
        self.dropout = nn.Dropout(dropout)

    @property
    def width(self) -> int:
        """How wide a state is."""
        return self.channels

    def steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Series [n, T, C] -> states [n, about T/8 + 1, width] and whether they are inside the series."""
        h, alive = self.start(x)
        for number, layer in enumerate(self.layers):
            # States are not negative, so the 0 of a step outside never is a maximum that matters.
            h = F.max_pool1d(layer(h, alive), 2, 2, padding=1)
            alive = F.max_pool1d(alive[:, None].to(h.dtype), 2, 2, padding=1)[:, 0] > 0
            h = self.dropout(h) if number == 0 else h
        return h.mT, alive

    def forward(self, x: Input) -> Tensor:
        """Series [n, T, C] -> [n, dim]."""
        h, alive = self.steps(cast(Tensor, x))
        if self.readout == "mean":
            return mean_inside(h, alive)
        if h.shape[1] * self.channels != self.dim:
            raise ValueError(f"a flat readout of {self.dim} values was built for another length of series than these")
        return h.flatten(1)


def _length(steps: int) -> int:
    """How many states so many steps have: each maximum looks one step beyond both ends."""
    for _ in range(3):
        steps = steps // 2 + 1
    return steps
