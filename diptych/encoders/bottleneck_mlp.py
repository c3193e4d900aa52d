"""A multilayer perceptron for table rows that is wide inside and narrow at its end."""

from typing import Any, cast

from torch import Tensor

from diptych.batch import Input
from diptych.parts.heads import mlp
from diptych.parts.method import Encoder


class BottleneckMlp(Encoder):
    """Hidden layers of their own width, then a linear map: a large function class with an output as narrow as wanted.

    Beside `linear` of the same `dim` it tells what the function class does (Saunshi et al. 2022, arXiv 2202.14037). A
    missing value becomes 0, which is its column's training mean (or "no level" of a one-hot field).
    """

    modality = "tabular"

    def __init__(self, facts: dict[str, Any], *, dim: int = 10, hidden: int = 512, depth: int = 2) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(f"encoder.depth of bottleneck_mlp must be at least 1, it is {depth}")
        self.dim = dim
        self.layers = mlp(facts["shape"][0], *[hidden] * depth, dim)

    def forward(self, x: Input) -> Tensor:
        """Encoded rows [n, F] -> [n, dim]."""
        return cast(Tensor, self.layers(cast(Tensor, x).nan_to_num(0.0)))
