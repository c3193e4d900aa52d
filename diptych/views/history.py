"""The views of neighbourhood contrastive learning."""

from typing import Any

import torch
from torch import Generator, Tensor, nn

from diptych.parts.steps import ends
from diptych.views._series import TwoDraws, at_least, progress, shares, uniform


class History(TwoDraws):
    """Two copies of a series whose past is less complete: its present, the last step, is never touched.

    Yèche, Dresdner, Locatello, Hüser, Rätsch 2021, NCL (arXiv 2106.05142), in this order: with probability
    `cutout` a stretch of `steps` steps is missing, with probability `crop` all but the latest `min_share` … 1, each
    channel is shifted by N(0, `bias`²) within two deviations, and is missing with probability `dropout`; one stays.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        cutout: float = 0.8,
        steps: int = 8,
        crop: float = 0.5,
        min_share: float = 0.5,
        bias: float = 0.1,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(facts)
        shares(cutout=cutout, crop=crop, min_share=min_share, dropout=dropout)
        at_least(1, steps=steps)
        at_least(0, bias=bias)
        self.cutout, self.steps, self.crop, self.min_share = cutout, steps, crop, min_share
        self.bias, self.dropout = bias, dropout

    def drawn(self, x: Tensor, rng: Generator) -> Tensor:
        """One poorer copy of series [n, T, C]."""
        gone = self._cut_out(x, rng) | self._cropped(x, rng)  # [n, T]
        gone &= torch.arange(x.shape[1], device=x.device) < ends(x)[1][:, None]
        x = x.masked_fill(gone[..., None], torch.nan) + self._shift(x, rng)
        return x.masked_fill(self._silent(x, rng), torch.nan)

    def _cut_out(self, x: Tensor, rng: Generator) -> Tensor:
        """Steps [n, T] of a stretch that ends before the last step."""
        first, last = ends(x)
        latest = (last - self.steps - first).clamp_min(0)
        start = first + (uniform((len(x),), rng) * (latest + 1)).long()  # [n]
        at = torch.arange(x.shape[1], device=x.device) - start[:, None]
        return (at >= 0) & (at < self.steps) & (uniform((len(x), 1), rng) < self.cutout)

    def _cropped(self, x: Tensor, rng: Generator) -> Tensor:
        """Steps [n, T] older than the share that is kept."""
        kept = self.min_share + (1 - self.min_share) * uniform((len(x), 1), rng)
        return (progress(x) < 1 - kept) & (uniform((len(x), 1), rng) < self.crop)

    def _shift(self, x: Tensor, rng: Generator) -> Tensor:
        """One shift for each series and channel [n, 1, C]."""
        drawn = x.new_empty(len(x), 1, x.shape[2])
        return nn.init.trunc_normal_(drawn, std=1.0, a=-2.0, b=2.0, generator=rng) * self.bias

    def _silent(self, x: Tensor, rng: Generator) -> Tensor:
        """Channels [n, 1, C] that are missing, never all of a series."""
        drawn = uniform((len(x), 1, x.shape[2]), rng)
        return (drawn < self.dropout) & (drawn < drawn.amax(2, keepdim=True))
