"""The image views of SwAV."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._colours import Appearance
from diptych.views._images import cut, mirror, mirroring, shares, windows


class MultiCrop(View):
    """Two large crops at full resolution, then several small ones at about half: SwAV (arXiv 2006.09882, section 3.2).

    Areas as solo-learn has them for CIFAR: 0.2–1 and 0.08–0.5, six small crops of 18 pixels (`small_side` 0.5625 of
    32), which cost as much as 1.9 large ones. Colours as in `crop_jitter`; no image of up to 36 pixels is blurred.
    """

    modalities = ("image",)
    returns = "crops"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        small: int = 6,
        small_side: float = 0.5625,
        min_area: float = 0.2,
        small_min_area: float = 0.08,
        small_max_area: float = 0.5,
        strength: float = 0.5,
        grey: float = 0.2,
        flip: float = 0.5,
        blur: float = 0.5,
    ) -> None:
        super().__init__(facts)
        shares(small_side=small_side, min_area=min_area, grey=grey, flip=flip, blur=blur)
        shares(small_min_area=small_min_area, small_max_area=small_max_area)
        if small < 0 or small_min_area > small_max_area:
            raise ValueError(
                f"view.small must be at least 0 and view.small_min_area at most view.small_max_area; they are {small}, "
                f"{small_min_area} and {small_max_area}"
            )
        self.small, self.small_side, self.flip = small, small_side, mirroring(facts, flip)
        self.areas, self.small_areas = (min_area, 1.0), (small_min_area, small_max_area)
        self.appearance = Appearance(strength, grey, blur=blur)

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Images [n, C, H, W] in 0..1 -> two batches of that size, then `small` batches of smaller images."""
        x = cast(Tensor, batch.x)
        height, width = (max(round(side * self.small_side), 1) for side in x.shape[2:])
        large = [self._crop(x, rng, self.areas, (x.shape[2], x.shape[3])) for _ in range(2)]
        small = [self._crop(x, rng, self.small_areas, (height, width)) for _ in range(self.small)]
        return tuple(batch.with_x(view) for view in large + small)

    def _crop(self, x: Tensor, rng: torch.Generator, areas: tuple[float, float], size: tuple[int, int]) -> Tensor:
        found = mirror(windows(x, rng, areas=areas), self.flip, rng)
        return self.appearance(cut(x, found, size), rng)
