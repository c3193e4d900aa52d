"""Augmentations of many graphs at once; a graph that is not chosen passes unchanged, none is ever emptied."""

import torch
from torch import Tensor

from diptych.batch import Graphs


def sizes(graphs: Graphs) -> Tensor:
    """Number of nodes of each graph [graphs]."""
    return torch.bincount(graphs.graph, minlength=len(graphs))


def drop_nodes(graphs: Graphs, chosen: Tensor, rate: float, rng: torch.Generator) -> Tensor:
    """Nodes [nodes] that stay when ⌊rate · n⌋ of each chosen graph [graphs] go."""
    dropped = _sample(graphs.graph, _share(rate, sizes(graphs)) * chosen, rng)
    return ~dropped


def mask_attributes(graphs: Graphs, chosen: Tensor, rate: float, rng: torch.Generator) -> Tensor:
    """Attributes [nodes, channels] with N(0.5, 0.5²) in ⌊rate · n⌋ nodes of each chosen graph."""
    masked = _sample(graphs.graph, _share(rate, sizes(graphs)) * chosen, rng)
    noise = 0.5 + 0.5 * torch.randn(graphs.x.shape, generator=rng, device=graphs.x.device)
    return torch.where(masked[:, None], noise.to(graphs.x.dtype), graphs.x)


def perturb_edges(graphs: Graphs, chosen: Tensor, rate: float, rng: torch.Generator) -> Tensor:
    """Edges [2, edges] with ⌊rate · m⌋ of the m pairs of each chosen graph removed and as many random ones added.

    A drawn pair that is a loop or already there adds nothing. Both directions of a pair come and go together.
    """
    nodes = len(graphs.graph)
    forward = graphs.edges[:, graphs.edges[0] < graphs.edges[1]]  # [2, pairs]
    owner = graphs.graph[forward[0]]  # [pairs]
    quota = _share(rate, torch.bincount(owner, minlength=len(graphs))) * chosen  # [graphs]
    kept = forward[:, ~_sample(owner, quota, rng)]
    n = sizes(graphs)
    where = torch.repeat_interleave(torch.arange(len(graphs), device=n.device), quota)  # [added], graph of each
    draws = torch.rand(2, len(where), generator=rng, device=n.device, dtype=torch.float64)
    added = (n.cumsum(0) - n)[where] + (draws * n[where]).long()  # [2, added]
    added = added[:, added[0] != added[1]].sort(0).values
    codes = torch.unique(torch.cat([kept[0] * nodes + kept[1], added[0] * nodes + added[1]]))
    pairs = torch.stack([codes // nodes, codes % nodes])  # [2, pairs]
    loops = graphs.edges[:, graphs.edges[0] == graphs.edges[1]]
    return torch.cat([pairs, pairs.flip(0), loops], 1)


def subgraph(graphs: Graphs, chosen: Tensor, keep: float, rng: torch.Generator) -> Tensor:
    """Nodes [nodes] of a random connected part of each chosen graph: ⌊keep · n⌋ of them, at least one.

    The part grows from a random node, one random neighbour of it at a time, until it is large enough or has no
    neighbour left.
    """
    source, target = graphs.edges
    goal = _share(keep, sizes(graphs)).clamp_min(1) * chosen  # [graphs]
    reached = _one_each(graphs, chosen[graphs.graph], rng)  # [nodes], the start
    for size in range(1, int(goal.max())):  # every graph that still grows has this many nodes
        beside = torch.zeros_like(reached).index_fill(0, target[reached[source]], True) & ~reached
        candidates = beside & (goal > size)[graphs.graph]
        if not candidates.any():
            break
        reached = reached | _one_each(graphs, candidates, rng)
    return reached | ~chosen[graphs.graph]


def induced(graphs: Graphs, kept: Tensor) -> Graphs:
    """The graphs on the kept nodes [nodes], with the edges between them."""
    new = kept.long().cumsum(0) - 1  # [nodes], new number of a kept node
    inside = kept[graphs.edges].all(0)  # [edges]
    return Graphs(graphs.x[kept], new[graphs.edges[:, inside]], graphs.graph[kept], len(graphs))


def _share(rate: float, counts: Tensor) -> Tensor:
    """⌊rate · count⌋, where 0.29 · 100 is 29."""
    return (rate * counts.double() + 1e-9).long()


def _sample(owner: Tensor, quota: Tensor, rng: torch.Generator) -> Tensor:
    """Boolean [items]: quota[g] items of each owner g [groups], drawn without replacement."""
    draws = torch.rand(len(owner), generator=rng, device=owner.device, dtype=torch.float64)  # [items]
    order = (owner + draws).argsort()
    counts = torch.bincount(owner, minlength=len(quota))
    first = (counts.cumsum(0) - counts)[owner[order]]  # [items], rank at which the owner's items begin
    rank = torch.empty_like(owner)
    rank[order] = torch.arange(len(owner), device=owner.device) - first
    return rank < quota[owner]


def _one_each(graphs: Graphs, among: Tensor, rng: torch.Generator) -> Tensor:
    """Boolean [nodes]: one random node of each graph that has any among [nodes]."""
    draws = torch.rand(len(among), generator=rng, device=among.device, dtype=torch.float64).masked_fill(~among, -1)
    best = draws.new_full((len(graphs),), -1.0).scatter_reduce(0, graphs.graph, draws, "amax")  # [graphs]
    return among & (draws == best[graphs.graph])
