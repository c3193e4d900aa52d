"""The views of GraphCL."""

from typing import Any, cast

import torch

from diptych.batch import Batch, Graphs
from diptych.parts.method import View
from diptych.views._graphs import drop_nodes, induced, mask_attributes, perturb_edges, subgraph

KINDS = ("drop_nodes", "perturb_edges", "mask_attributes", "subgraph")


class GraphAugmentations(View):
    """Two augmented copies of a graph, each by one kind drawn per sample: GraphCL (arXiv 2010.13902, table 1).

    As in the paper both sides are augmented and edges are added as well as dropped (the authors' code does neither),
    each undirected pair as a whole. A subgraph keeps 20 % of the nodes, as published.
    """

    modalities = ("graph",)
    returns = "two"

    def __init__(
        self,
        facts: dict[str, Any],
        *,
        rate: float = 0.2,
        keep: float = 0.2,
        kinds: tuple[str, ...] = ("drop_nodes", "perturb_edges", "mask_attributes", "subgraph"),
    ) -> None:
        super().__init__(facts)
        if not 0 <= rate < 1 or not 0 < keep <= 1:
            raise ValueError(f"0 ≤ view.rate < 1 and 0 < view.keep ≤ 1 must hold; they are {rate} and {keep}")
        if not kinds or set(kinds) - set(KINDS):
            raise ValueError(f"view.kinds must be among {', '.join(KINDS)}; they are {', '.join(kinds) or 'none'}")
        self.rate, self.keep, self.kinds = rate, keep, kinds

    def forward(self, batch: Batch, rng: torch.Generator) -> tuple[Batch, ...]:
        """Two views of Graphs."""
        graphs = cast(Graphs, batch.x)
        return batch.with_x(self._view(graphs, rng)), batch.with_x(self._view(graphs, rng))

    def _view(self, graphs: Graphs, rng: torch.Generator) -> Graphs:
        drawn = torch.randint(len(self.kinds), (len(graphs),), generator=rng, device=graphs.x.device)  # [graphs]
        chosen = {kind: drawn == i for i, kind in enumerate(self.kinds)}
        none = torch.zeros_like(drawn, dtype=torch.bool)
        x = mask_attributes(graphs, chosen.get("mask_attributes", none), self.rate, rng)
        edges = perturb_edges(graphs, chosen.get("perturb_edges", none), self.rate, rng)
        kept = drop_nodes(graphs, chosen.get("drop_nodes", none), self.rate, rng)
        kept &= subgraph(graphs, chosen.get("subgraph", none), self.keep, rng)
        return induced(Graphs(x, edges, graphs.graph, len(graphs)), kept)
