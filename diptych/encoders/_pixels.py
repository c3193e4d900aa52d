"""What every encoder of images begins with."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Input
from diptych.parts.method import Encoder


class ImageEncoder(Encoder):
    """Standardises each channel by its mean and deviation over the training split; a missing pixel becomes 0."""

    mean: Tensor
    sd: Tensor

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__()
        self.register_buffer("mean", _per_channel(facts["statistics"]["mean"]))
        self.register_buffer("sd", _per_channel(facts["statistics"]["sd"]).clamp_min(1e-6))

    def standardised(self, x: Input) -> Tensor:
        """Images [n, C, H, W] in 0..1 -> the same shape, finite."""
        return ((cast(Tensor, x) - self.mean) / self.sd).nan_to_num(0.0)


def _per_channel(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)[:, None, None]  # [C, 1, 1]
