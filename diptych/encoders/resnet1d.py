"""The residual network for series."""

from typing import Any, cast

from torch import Tensor, nn

from diptych.batch import Input
from diptych.encoders._series import Convolution, SeriesEncoder
from diptych.parts.steps import mean_inside


class Resnet1d(SeriesEncoder):
    """Three residual blocks of three convolutions, widths d/2, d, d; a series is the mean over its steps.

    Wang, Yan, Oates 2017, Time series classification from scratch, arXiv 1611.06455, figure 1c, where d is 128. Gaps
    and ragged ends as in `fcn`.
    """

    modality = "series"

    def __init__(self, facts: dict[str, Any], *, dim: int = 128) -> None:
        super().__init__()
        if dim < 2 or dim % 2:
            raise ValueError(f"encoder.dim of resnet1d must be a multiple of 2, it is {dim}")
        self.dim = dim
        widths = ((facts["shape"][1], dim // 2), (dim // 2, dim), (dim, dim))
        self.blocks = nn.ModuleList(_Block(*ends) for ends in widths)

    def steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Series [n, T, C] -> states [n, T, dim] and the steps inside the series [n, T]."""
        h, alive = self.start(x)
        for block in self.blocks:
            h = block(h, alive)
        return h.mT, alive

    def forward(self, x: Input) -> Tensor:
        """Series [n, T, C] -> [n, dim]."""
        return mean_inside(*self.steps(cast(Tensor, x)))


class _Block(nn.Module):
    """Convolutions with kernels 8, 5 and 3 plus the input, by a 1 × 1 convolution where widths differ."""

    def __init__(self, d_in: int, d_out: int) -> None:
        super().__init__()
        self.first, self.second = Convolution(d_in, d_out, 8), Convolution(d_out, d_out, 5)
        self.third = Convolution(d_out, d_out, 3, relu=False)
        self.across = Convolution(d_in, d_out, 1, relu=False) if d_in != d_out else None

    def forward(self, x: Tensor, alive: Tensor) -> Tensor:
        h = self.third(self.second(self.first(x, alive), alive), alive)
        return cast(Tensor, (h + (self.across(x, alive) if self.across else x)).relu())
