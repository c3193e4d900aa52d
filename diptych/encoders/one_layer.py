"""One layer, for table rows."""

from typing import Any, cast

from torch import Tensor, nn

from diptych.batch import Input
from diptych.parts.method import Encoder


class OneLayer(Encoder):
    """One layer as wide as the encoded row, with ReLU: the encoder of VIME (Yoon et al. 2020, NeurIPS 33).

    A missing value becomes 0, which is its column's training mean (or "no level" of a one-hot field).
    """

    modality = "tabular"

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__()
        self.dim = facts["shape"][0]
        self.layer = nn.Sequential(nn.Linear(self.dim, self.dim), nn.ReLU())

    def forward(self, x: Input) -> Tensor:
        """Encoded rows [n, F] -> [n, F]."""
        return cast(Tensor, self.layer(cast(Tensor, x).nan_to_num(0.0)))
