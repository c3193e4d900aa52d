"""The view of TransTab."""

import math
from typing import Any, cast

import torch
from torch import Tensor

from diptych.batch import Batch
from diptych.parts.fields import fields_of
from diptych.parts.method import View


class ColumnPartitions(View):
    """A row's fields dealt out to `parts` views, each with a tenth of its neighbour's fields besides.

    What a view does not have is missing in it. The fields are dealt anew at every step, alike for all rows of a batch:
    were it by row, the fields that a view lacks would tell which other view is its own. Wang & Sun 2022, TransTab
    (arXiv 2205.09328, section 3.3), whose code keeps one order of the fields for ever.
    """

    modalities = ("tabular",)
    returns = "parts"
    fields: Tensor

    def __init__(self, facts: dict[str, Any], *, parts: int = 2, overlap: float = 0.1) -> None:
        super().__init__(facts)
        fields = fields_of(facts)  # [F]
        self.count = int(fields.max()) + 1
        if not 2 <= parts <= self.count:
            raise ValueError(f"view.parts must be 2 to {self.count}, the number of fields; it is {parts}")
        if not 0 <= overlap <= 1:
            raise ValueError(f"view.overlap is a share of a part, 0 … 1; it is {overlap}")
        self.parts, self.overlap = parts, overlap
        self.register_buffer("fields", fields, persistent=False)

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Rows [n, F] -> as many times `parts`, with NaN in the columns of other parts."""
        x = cast(Tensor, batch.x)
        order = torch.randperm(self.count, generator=rng, device=x.device)  # [fields]
        return tuple(batch.with_x(x.masked_fill(~self._columns(part), torch.nan)) for part in self._dealt(order))

    def _dealt(self, order: Tensor) -> list[Tensor]:
        """The fields of each part: contiguous in `order` [fields], and the head of the next part or the last's tail."""
        dealt = list(order.tensor_split(self.parts))
        more = math.ceil(self.overlap * len(dealt[0]))
        heads = [part[:more] for part in dealt[1:]] + [dealt[-2][max(len(dealt[-2]) - more, 0) :]]
        return [torch.cat(both) for both in zip(dealt, heads, strict=True)]

    def _columns(self, part: Tensor) -> Tensor:
        """Boolean [F]: columns whose field is in `part` [fields]."""
        return torch.isin(self.fields, part)
