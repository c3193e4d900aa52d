"""Windows of series."""

from typing import Any

import torch
from torch import Generator, Tensor

from diptych.views._series import TwoDraws, progress, shares, uniform, window


class WindowSlice(TwoDraws):
    """Two random windows of a series, each a share U(min_share, 1) of its length.

    Le Guennec, Malinowski, Tavenard 2016, Data augmentation for time series classification, section 3.1. A window is
    stretched to the length of the series, or, without `resize`, stays in its place and the rest is missing.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, min_share: float = 0.5, resize: bool = True) -> None:
        super().__init__(facts)
        shares(min_share=min_share)
        self.min_share, self.resize = min_share, resize

    def drawn(self, x: Tensor, rng: Generator) -> Tensor:
        """One window of each of the series [n, T, C]."""
        share = self.min_share + (1 - self.min_share) * uniform((len(x),), rng)  # [n]
        if self.resize:
            return window(x, share, rng)
        start, at = (uniform((len(x),), rng) * (1 - share))[:, None], progress(x)  # [n, 1], [n, T]
        outside = (at < start) | (at > start + share[:, None])
        return x.masked_fill(outside[..., None], torch.nan)
