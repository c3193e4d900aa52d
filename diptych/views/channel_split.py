"""Views that share no colour channel."""

from typing import Any, Literal, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._colours import LUMA
from diptych.views._images import cropping

# CIE 1931: linear sRGB -> XYZ, each row divided by its sum, which is the white point D65.
XYZ = ((0.433953, 0.376219, 0.189828), (0.212671, 0.715160, 0.072169), (0.017758, 0.109477, 0.872765))
EPSILON, KAPPA = 216 / 24389, 24389 / 27  # CIE 15: where the cube root of Lab turns into a line


class ChannelSplit(View):
    """One crop in two halves of a colour space: Y | CbCr, L | ab or R | GB (InfoMin, arXiv 2005.10243).

    One encoder sees both halves and, later, whole images: so each half stays an RGB image. The luma half is the grey
    image; the chroma half has luma 0.5 everywhere and half its contrast, which is what always fits 0..1. Lab's two
    halves are L / 100 in all channels, and 0.5 beside a and b, of which ±128 become 0 and 1.
    """

    modalities = ("image",)
    returns = "two"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        space: Literal["ycbcr", "rgb", "lab"] = "ycbcr",
        min_area: float = 0.2,
        flip: float = 0.5,
    ) -> None:
        super().__init__(facts)
        if facts["shape"][0] != 3:
            raise ValueError(f"channel_split needs three colour channels, the images have {facts['shape'][0]}")
        self.halves, self.crop = SPACES[space], cropping(facts, min_area=min_area, flip=flip)

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two disjoint halves of a crop of images [n, 3, H, W] in 0..1."""
        return tuple(batch.with_x(half) for half in self.halves(self.crop(cast(Tensor, batch.x), rng)))


def _luma_and_chroma(x: Tensor) -> tuple[Tensor, Tensor]:
    luma = torch.einsum("c,nchw->nhw", torch.tensor(LUMA, device=x.device), x)[:, None]  # [n, 1, H, W]
    return luma.expand_as(x), 0.5 + (x - luma) / 2


def _red_and_rest(x: Tensor) -> tuple[Tensor, Tensor]:
    red = torch.tensor([1.0, 0.0, 0.0], device=x.device)[:, None, None]  # [3, 1, 1]
    return x * red, x * (1 - red)


def _lightness_and_ab(x: Tensor) -> tuple[Tensor, Tensor]:
    linear = torch.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)  # sRGB, IEC 61966-2-1
    xyz = torch.einsum("kc,nchw->nkhw", torch.tensor(XYZ, device=x.device), linear)  # [n, 3, H, W], white is 1
    root = torch.where(xyz > EPSILON, xyz ** (1 / 3), (KAPPA * xyz + 16) / 116)
    lightness = (116 * root[:, 1:2] - 16).div(100).clamp(0, 1)  # [n, 1, H, W]
    a, b = 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])  # [n, H, W] each
    grey = torch.full_like(a, 0.5).masked_fill(a.isnan(), torch.nan)
    return lightness.expand_as(x), torch.stack([grey, 0.5 + a / 256, 0.5 + b / 256], 1).clamp(0, 1)


SPACES = {"ycbcr": _luma_and_chroma, "rgb": _red_and_rest, "lab": _lightness_and_ab}
