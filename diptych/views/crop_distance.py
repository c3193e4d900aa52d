"""Two crops a chosen distance apart."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._colours import Appearance
from diptych.views._images import Windows, cut, shares, uniform


class CropDistance(View):
    """Two square windows at (x, y) and (x ± d, y ± d): the farther apart, the less they share (InfoMin, 2005.10243).

    The paper cuts 64-pixel patches from large photographs; here a window is resized to the image's size.
    `distance` and `side` are shares of the image's sides, rounded to pixels. Colours change as in `crop_jitter`.
    """

    modalities = ("image",)
    returns = "two"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        distance: float = 0.25,
        side: float = 0.5,
        strength: float = 0.5,
        grey: float = 0.2,
    ) -> None:
        super().__init__(facts)
        shares(distance=distance, side=side, grey=grey)
        if distance + side > 1:
            raise ValueError(f"view.distance {distance} and view.side {side} must fit the image: at most 1 together")
        self.distance, self.side, self.appearance = distance, side, Appearance(strength, grey)

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two views of images [n, C, H, W] in 0..1."""
        x = cast(Tensor, batch.x)
        (columns, width), (rows, height) = (self._axis(len(x), x.shape[axis], rng) for axis in (3, 2))
        windows = (Windows(width, height, *centre) for centre in zip(columns, rows, strict=True))
        return tuple(batch.with_x(self.appearance(cut(x, w), rng)) for w in windows)

    def _axis(self, n: int, length: int, rng: torch.Generator) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Two centres [n] along an axis that spans −1 … 1, so far apart, either of them first; the windows' share [n].

        In whole pixels, as the paper's patches are: else two windows a whole number of pixels apart are interpolated
        alike, which tells that they belong together, whatever they show.
        """
        side = round(self.side * length)
        apart = min(round(self.distance * length), length - side)
        first = uniform(n, 0.0, length - side - apart + 1, rng).floor().clamp_max(length - side - apart)
        swapped = uniform(n, 0.0, 1.0, rng) < 0.5
        starts = first + apart * swapped, first + apart * ~swapped
        one, other = ((2 * start + side) / length - 1 for start in starts)
        return (one, other), torch.full((n,), side / length, device=rng.device)
