"""Which raw field of a table each encoded column belongs to."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def fields_of(facts: Mapping[str, Any]) -> Tensor:
    """Field 0 … count − 1 of each encoded column [F]; one of several columns is categorical, of one column numeric."""
    fields: Tensor = torch.unique(torch.tensor(facts["fields"]), return_inverse=True)[1]
    return fields


def by_field(columns: Tensor, fields: Tensor) -> Tensor:
    """Sums over the columns of each field: [n, F] and [F] -> [n, fields]."""
    return columns.new_zeros(len(columns), int(fields.max()) + 1).index_add(1, fields, columns)


def differ(a: Tensor, b: Tensor, fields: Tensor) -> Tensor:
    """Boolean [n, fields]: where rows a and b [n, F] are not the same; missing equals missing."""
    other = (a != b) & ~(a.isnan() & b.isnan())  # [n, F]
    return by_field(other.float(), fields) > 0


def levels_of(fields: Tensor) -> Tensor:
    """The columns of each categorical field [categorical fields, most levels], filled up with −1."""
    sizes = torch.bincount(fields)  # [fields]
    own = [(fields == field).nonzero()[:, 0] for field in (sizes > 1).nonzero()[:, 0]]
    width = int(sizes.max()) if own else 0
    filled = [torch.cat([columns, columns.new_full((width - len(columns),), -1)]) for columns in own]
    return torch.stack(filled) if filled else fields.new_zeros(0, 0)
