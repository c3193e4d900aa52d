"""A graph isomorphism network."""

from typing import Any, cast

import torch
from torch import Tensor, nn

from diptych.batch import Graphs, Input
from diptych.parts.heads import mlp, xavier
from diptych.parts.method import Encoder


class Gin(Encoder):
    """Sum over neighbours, MLP, ReLU, batch norm; a graph is its summed nodes of every layer side by side.

    h ← BN(ReLU(MLP(h + Σ_neighbours h))): Xu et al. 2019 (arXiv 1810.00826), in the form of GraphCL (3 × 32).
    A missing attribute becomes 0.
    """

    modality = "graph"

    def __init__(self, facts: dict[str, Any], *, hidden: int = 32, depth: int = 3) -> None:
        super().__init__()
        self.dim = hidden * depth
        inputs = [facts["shape"][0]] + [hidden] * (depth - 1)
        self.layers = nn.ModuleList(mlp(d_in, hidden, hidden) for d_in in inputs)
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in range(depth))
        xavier(self)

    def forward(self, x: Input) -> Tensor:
        """Graphs -> [graphs, hidden · depth]."""
        graphs = cast(Graphs, x)
        source, target = graphs.edges  # [edges]
        h = graphs.x.nan_to_num(0.0)  # [nodes, channels]
        pooled = []
        for layer, norm in zip(self.layers, self.norms, strict=True):
            summed = h.index_add(0, target, h[source])  # own state + neighbours
            h = norm(layer(summed).relu())  # [nodes, hidden]
            pooled.append(h.new_zeros(len(graphs), h.shape[1]).index_add(0, graphs.graph, h))
        return torch.cat(pooled, 1)
