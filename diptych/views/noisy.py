"""The view of denoising autoencoders."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._images import shares


class Noisy(View):
    """An image under noise beside itself: N(0, σ²) per value and, if asked, black pixels.

    Both kinds of noise are of Vincent et al. 2010 (JMLR 11: 3371–3408). A missing pixel stays missing.
    """

    modalities = ("image",)
    returns = "damaged"

    def __init__(self, facts: dict[str, Any], *, sigma: float = 0.2, masked: float = 0.0) -> None:
        super().__init__(facts)
        shares(masked=masked)
        if sigma < 0:
            raise ValueError(f"view.sigma must not be negative, it is {sigma}")
        self.sigma, self.masked = sigma, masked

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Images [n, C, H, W] in 0..1 -> (damaged, clean)."""
        x = cast(Tensor, batch.x)
        noise = self.sigma * torch.randn(x.shape, generator=rng, device=x.device)
        n, _, height, width = x.shape
        kept = torch.rand(n, 1, height, width, generator=rng, device=x.device) >= self.masked
        return batch.with_x((x + noise).clamp(0, 1) * kept), batch
