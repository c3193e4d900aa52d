"""The fully convolutional network with dilated kernels, for series."""

from typing import Any

from torch import nn

from diptych.encoders._series import Convolution
from diptych.encoders.fcn import Fcn


class DilatedFcn(Fcn):
    """The fully convolutional network whose kernels of 7, 5, 3 are dilated by 2, 4, 8: a state sees 45 steps, not 14.

    Wickström, Kampffmeyer, Mikalsen, Jenssen 2022, Mixing up contrastive learning, the authors' notebook.
    """

    modality = "series"

    def __init__(self, facts: dict[str, Any], *, dim: int = 128) -> None:
        super().__init__(facts, dim=dim)
        layers = ((facts["shape"][1], dim, 7, 2), (dim, 2 * dim, 5, 4), (2 * dim, dim, 3, 8))
        self.layers = nn.ModuleList(Convolution(*sizes, dilation=gap) for *sizes, gap in layers)
