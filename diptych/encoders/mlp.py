"""A multilayer perceptron for table rows."""

from typing import Any, cast

from torch import Tensor, nn

from diptych.batch import Input
from diptych.parts.method import Encoder


class Mlp(Encoder):
    """Hidden layers of equal width, ReLU after each: the encoder of SCARF, 4 × 256 (arXiv 2106.15147, section 4).

    A missing value becomes 0, which is its column's training mean (or "no level" of a one-hot field).
    """

    modality = "tabular"

    def __init__(self, facts: dict[str, Any], *, dim: int = 256, depth: int = 4) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(f"encoder.depth of mlp must be at least 1, it is {depth}")
        self.dim = dim
        inputs = [facts["shape"][0]] + [dim] * (depth - 1)
        self.layers = nn.Sequential(*(nn.Sequential(nn.Linear(d_in, dim), nn.ReLU()) for d_in in inputs))

    def forward(self, x: Input) -> Tensor:
        """Encoded rows [n, F] -> [n, dim]."""
        return cast(Tensor, self.layers(cast(Tensor, x).nan_to_num(0.0)))
