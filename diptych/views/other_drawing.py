"""Another drawing of the same object."""

from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.method import View
from diptych.views._images import uniform


class OtherDrawing(View):
    """The sample and another training row of the same object: a natural pair, as of vendors who draw one emoji.

    No augmentation. A row without another of its object, or of an object that training does not know, is its own pair.
    """

    modalities = ("image",)
    returns = "two"
    x: Tensor  # [n, C, H, W], training rows
    rows: Tensor  # [n], training rows in the order of their objects
    objects: Tensor  # [k], object ids, ascending
    sizes: Tensor  # [k], rows of each object
    place: Tensor  # [n], place of each training row among its object's rows

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(facts)
        for name in ("x", "rows", "objects", "sizes", "place"):
            self.register_buffer(name, torch.empty(0), persistent=False)  # data, not weights

    def calibrate(self, train: Batch, rng: torch.Generator) -> None:
        """Note which rows show one object; an error where every row has an object of its own."""
        self.objects, self.sizes = torch.unique(train.key, return_counts=True)
        if len(self.objects) == len(train):
            raise ValueError("other_drawing needs several rows of one object; here every row has an object of its own")
        self.x, self.rows = cast(Tensor, train.x), train.key.argsort(stable=True)
        starts = (self.sizes.cumsum(0) - self.sizes).repeat_interleave(self.sizes)  # [n], of each sorted row
        self.place = torch.empty_like(self.rows)
        self.place[self.rows] = torch.arange(len(train), device=self.rows.device) - starts

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """The batch, and drawn for each row another one of its object."""
        at = torch.searchsorted(self.objects, batch.key).clamp_max(len(self.objects) - 1)  # [n]
        known = self.objects[at] == batch.key
        size = self.sizes[at]
        step = 1 + (uniform(len(batch), 0.0, 1.0, rng) * (size - 1)).long()  # 1 … size − 1, or 1 where size is 1
        place = (self.place[batch.index.clamp_max(len(self.place) - 1)] + step) % size
        other = self.x[self.rows[(self.sizes.cumsum(0) - self.sizes)[at] + place]]
        return batch, batch.with_x(torch.where(known[:, None, None, None], other, cast(Tensor, batch.x)))
