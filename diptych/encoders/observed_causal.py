"""The encoder of TRACE."""

from typing import Any

import torch
from torch import Tensor

from diptych.encoders.causal import Causal


class ObservedCausal(Causal):
    """T-Loss' causal convolutions over values and the map of those that were observed: twice as many channels.

    Weatherhead et al. 2022, TRACE (CHIL, PMLR 174), for windows of 12 steps, with widths of 4, 2 and 10 and one block;
    these widths are ours. A missing value becomes 0, its training mean, and is 0 in the map.
    """

    modality = "series"

    def __init__(
        self, facts: dict[str, Any], *, dim: int = 64, hidden: int = 32, reduced: int = 64, depth: int = 3
    ) -> None:
        steps, channels = facts["shape"]
        super().__init__(facts | {"shape": [steps, 2 * channels]}, dim=dim, hidden=hidden, reduced=reduced, depth=depth)

    def start(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Series [n, T, C] -> values and map [n, 2C, T], and the steps inside [n, T]."""
        values, alive = super().start(x)
        return torch.cat([values, (~x.isnan()).mT.to(values)], 1), alive
