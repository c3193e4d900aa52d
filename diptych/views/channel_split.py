"""Views that share no colour channel."""

from typing import Any, Literal, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._colours import LUMA
from diptych.views._images import crop, mirroring, shares


class ChannelSplit(View):
    """One crop in two halves of a colour space: Y | CbCr or R | GB (InfoMin, arXiv 2005.10243).

    One encoder sees both halves and, later, whole images: so each half stays an RGB image. The luma half is the grey
    image; the chroma half has luma 0.5 everywhere and half its contrast, which is what always fits 0..1.
    """

    modalities = ("image",)
    returns = "two"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        space: Literal["ycbcr", "rgb"] = "ycbcr",
        min_area: float = 0.2,
        flip: float = 0.5,
    ) -> None:
        super().__init__(facts)
        shares(min_area=min_area, flip=flip)
        if facts["shape"][0] != 3:
            raise ValueError(f"channel_split needs three colour channels, the images have {facts['shape'][0]}")
        self.space, self.min_area, self.flip = space, min_area, mirroring(facts, flip)

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two disjoint halves of a crop of images [n, 3, H, W] in 0..1."""
        x = crop(cast(Tensor, batch.x), rng, min_area=self.min_area, flip=self.flip)
        halves = _luma_and_chroma(x) if self.space == "ycbcr" else _red_and_rest(x)
        return tuple(batch.with_x(half) for half in halves)


def _luma_and_chroma(x: Tensor) -> tuple[Tensor, Tensor]:
    luma = torch.einsum("c,nchw->nhw", torch.tensor(LUMA, device=x.device), x)[:, None]  # [n, 1, H, W]
    return luma.expand_as(x), 0.5 + (x - luma) / 2


def _red_and_rest(x: Tensor) -> tuple[Tensor, Tensor]:
    red = torch.tensor([1.0, 0.0, 0.0], device=x.device)[:, None, None]  # [3, 1, 1]
    return x * red, x * (1 - red)
