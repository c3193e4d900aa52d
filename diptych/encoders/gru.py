"""A recurrent encoder."""

from typing import Any, cast

from torch import Tensor, nn

from diptych.batch import Input
from diptych.encoders._series import SeriesEncoder
from diptych.parts.steps import last_inside


class Gru(SeriesEncoder):
    """Gated recurrent units over the steps of a series, which is its last state.

    Cho et al. 2014, arXiv 1406.1078. A missing value becomes 0, its training mean; missing steps behind the last
    value are not read.
    """

    modality = "series"

    def __init__(self, facts: dict[str, Any], *, dim: int = 128, depth: int = 1) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(f"encoder.depth of gru must be at least 1, it is {depth}")
        self.dim = dim
        self.layers = nn.GRU(facts["shape"][1], dim, depth, batch_first=True)

    def steps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Series [n, T, C] -> states [n, T, dim] and the steps inside the series [n, T]."""
        values, alive = self.start(x)
        h, _ = self.layers(values.mT)
        return h * alive[..., None], alive

    def forward(self, x: Input) -> Tensor:
        """Series [n, T, C] -> [n, dim]."""
        return last_inside(*self.steps(cast(Tensor, x)))
