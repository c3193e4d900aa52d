"""One linear map, for table rows."""

from typing import Any, cast

from torch import Tensor, nn

from diptych.batch import Input
from diptych.parts.method import Encoder


class Linear(Encoder):
    """One linear map without a hidden layer: the smallest function class, of Saunshi et al. 2022 (arXiv 2202.14037).

    A missing value becomes 0, which is its column's training mean (or "no level" of a one-hot field).
    """

    modality = "tabular"

    def __init__(self, facts: dict[str, Any], *, dim: int = 256) -> None:
        super().__init__()
        self.dim = dim
        self.map = nn.Linear(facts["shape"][0], dim)

    def forward(self, x: Input) -> Tensor:
        """Encoded rows [n, F] -> [n, dim]."""
        return cast(Tensor, self.map(cast(Tensor, x).nan_to_num(0.0)))
