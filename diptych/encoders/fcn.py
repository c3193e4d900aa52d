"""The fully convolutional network for series."""

from typing import Any, cast

from torch import Tensor, nn

from diptych.batch import Input
from diptych.encoders._series import Convolution, SeriesEncoder
from diptych.parts.steps import mean_inside


class Fcn(SeriesEncoder):
    """Three convolutions with batch norm, kernels 8, 5, 3 and widths d, 2d, d; a series is the mean over its steps.

    Wang, Yan, Oates 2017, Time series classification from scratch, arXiv 1611.06455, figure 1b, where d is 128. A
    missing value becomes 0, its training mean; steps before the first and behind the last value stay 0 in every layer.
    """

    modality = "series"

    def __init__(self, facts: dict[str, Any], *, dim: int = 128) -> None:
        super().__init__()
        self.dim = dim
        widths = ((facts["shape"][1], dim, 8), (dim, 2 * dim, 5), (2 * dim, dim, 3))
        self.layers = nn.ModuleList(Convolution(*layer) for layer in widths)

    def steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Series [n, T, C] -> states [n, T, dim] and the steps inside the series [n, T]."""
        h, alive = self.start(x)
        for layer in self.layers:
            h = layer(h, alive)
        return h.mT, alive

    def forward(self, x: Input) -> Tensor:
        """Series [n, T, C] -> [n, dim]."""
        return mean_inside(*self.steps(cast(Tensor, x)))
