"""What a training step sees: row-aligned samples as tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Graphs:
    """Many graphs as one big graph; rows of `x` are sorted by graph, `edges` holds both directions."""

    x: Tensor  # [nodes, channels]; NaN marks a missing attribute
    edges: Tensor  # [2, edges], indices into the rows of x
    graph: Tensor  # [nodes], graph of each node, ascending
    count: int  # number of graphs

    def __len__(self) -> int:
        return self.count

    def take(self, rows: Tensor) -> Graphs:
        """The graphs in `rows` (any order, repeats allowed), renumbered 0 … len(rows)−1."""
        sizes = torch.bincount(self.graph, minlength=self.count)  # [graphs]
        starts = sizes.cumsum(0) - sizes
        nodes = _ranges(starts[rows], sizes[rows])  # [new nodes], old node ids
        owner = self.graph[self.edges[0]] if self.edges.shape[1] else self.edges[0]
        edge_sizes = torch.bincount(owner, minlength=self.count)
        order = torch.argsort(owner, stable=True)
        edge_starts = edge_sizes.cumsum(0) - edge_sizes
        chosen = order[_ranges(edge_starts[rows], edge_sizes[rows])]  # [new edges], old edge ids
        new_starts = sizes[rows].cumsum(0) - sizes[rows]
        shift = torch.repeat_interleave(new_starts - starts[rows], edge_sizes[rows])
        graph = torch.repeat_interleave(torch.arange(len(rows), device=rows.device), sizes[rows])
        return Graphs(self.x[nodes], self.edges[:, chosen] + shift, graph, len(rows))

    def to(self, device: torch.device | str) -> Graphs:
        """The same graphs on another device."""
        return Graphs(self.x.to(device), self.edges.to(device), self.graph.to(device), self.count)


def _ranges(starts: Tensor, sizes: Tensor) -> Tensor:
    """Concatenated ranges start … start+size−1."""
    ends = sizes.cumsum(0)
    total = int(ends[-1]) if len(ends) else 0
    offset = torch.repeat_interleave(starts - (ends - sizes), sizes)
    return torch.arange(total, device=starts.device) + offset


Input = Tensor | Graphs | Mapping[str, Tensor]


@dataclass(frozen=True)
class Batch:
    """Row-aligned samples. NaN marks a missing value; tokens are integers with 0 as padding."""

    x: Input  # image [n,C,H,W] in 0..1 · series [n,T,C] · table [n,F] · tokens [n,T] · Graphs · {modality: tensor}
    index: Tensor  # [n] row in the training split
    key: Tensor  # [n] object id: rows with equal keys are never each other's negatives
    label: Tensor | None = None  # [n], filled only if the method declares uses = {"label"}
    group: Tensor | None = None  # [n] patient, subject, speaker
    time: Tensor | None = None  # [n] position in the recording
    span: slice | None = None  # the steps that two crops share

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: Tensor) -> Batch:
        """The samples in `rows`."""
        return self._map(lambda part: part[rows] if isinstance(part, Tensor) else part.take(rows))

    def to(self, device: torch.device | str) -> Batch:
        """The same samples on another device."""
        return self._map(lambda part: part.to(device))

    def with_x(self, x: Input, span: slice | None = None) -> Batch:
        """The same rows with other content: what a view returns."""
        return replace(self, x=x, span=span)

    def _map(self, change: Callable[[Any], Any]) -> Batch:
        changed: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Mapping):
                changed[field.name] = {name: change(part) for name, part in value.items()}
            elif isinstance(value, Tensor | Graphs):
                changed[field.name] = change(value)
        return replace(self, **changed)
