"""Augmentations of graphs: what stays true of every graph, and the shares that change."""

import pytest
import torch

from diptych.batch import Batch, Graphs
from diptych.views.graph_augmentations import KINDS, GraphAugmentations


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pairs(graphs):
    return set(map(tuple, graphs.edges.T.tolist()))


def only(kind, graphs, seed=0, **settings):
    rows = torch.arange(len(graphs))
    return GraphAugmentations({}, kinds=(kind,), **settings)(Batch(graphs, rows, rows), seeded(seed))[0].x


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kinds", [(kind,) for kind in KINDS] + [KINDS])
def test_graphs_stay_undirected_whole_and_within_themselves(kinds, seed, small):
    graphs = small("graph")[1].x
    rows = torch.arange(len(graphs))
    for view in GraphAugmentations({}, kinds=kinds)(Batch(graphs, rows, rows), seeded(seed)):
        found = view.x
        assert len(found) == len(graphs)
        assert torch.bincount(found.graph, minlength=len(graphs)).min() >= 1
        assert (found.graph.diff() >= 0).all()
        assert pairs(found) == {(b, a) for a, b in pairs(found)}
        assert len(pairs(found)) == found.edges.shape[1]
        assert torch.equal(found.graph[found.edges[0]], found.graph[found.edges[1]])
        assert found.x.isfinite().all()


def test_dropped_nodes_are_the_exact_share_with_their_edges(small):
    graphs = small("graph")[1].x
    before = torch.bincount(graphs.graph)
    marked = Graphs(torch.arange(len(graphs.x), dtype=torch.float64)[:, None], graphs.edges, graphs.graph, len(graphs))
    found = only("drop_nodes", marked, rate=0.2)
    assert torch.equal(torch.bincount(found.graph), before - (0.2 * before).long())
    kept = found.x[:, 0].long()
    renamed = {(int(kept[a]), int(kept[b])) for a, b in pairs(found)}
    assert renamed == {(a, b) for a, b in pairs(graphs) if a in set(kept.tolist()) and b in set(kept.tolist())}


def test_perturbed_edges_go_and_come_in_pairs(small):
    graphs = small("graph")[1].x
    found = only("perturb_edges", graphs, rate=0.2)
    assert torch.equal(found.x, graphs.x)
    count = torch.bincount(graphs.graph[graphs.edges[0]]) // 2
    lost = torch.zeros(len(graphs)).index_add(0, *_owner_count(graphs, pairs(graphs) - pairs(found)))
    new = torch.zeros(len(graphs)).index_add(0, *_owner_count(graphs, pairs(found) - pairs(graphs)))
    quota = (0.2 * count).long()
    assert (lost / 2 <= quota).all()
    assert (lost / 2 >= quota - 2).all()  # a removed pair may be drawn again
    assert (new / 2 <= quota).all()
    assert new.sum() > 0.7 * 2 * quota.sum()


def _owner_count(graphs, edges):
    owner = graphs.graph[torch.tensor([a for a, _ in edges])]
    return owner, torch.ones(len(owner))


def test_masked_attributes_are_the_exact_share(small):
    graphs = small("graph")[1].x
    found = only("mask_attributes", graphs, rate=0.2)
    masked = (found.x != graphs.x).any(1)
    before = torch.bincount(graphs.graph)
    assert torch.equal(torch.bincount(graphs.graph[masked], minlength=len(graphs)), (0.2 * before).long())
    assert found.x[masked].mean().item() == pytest.approx(0.5, abs=0.1)
    assert found.x[masked].std().item() == pytest.approx(0.5, abs=0.1)
    assert pairs(found) == pairs(graphs)


@pytest.mark.parametrize("keep", [0.01, 0.2, 0.8])
def test_subgraphs_are_connected_and_as_large_as_asked(keep):
    cycle = torch.stack([torch.arange(30), (torch.arange(30) + 1) % 30])
    edges = torch.cat([cycle + 30 * g for g in range(40)], 1)
    graphs = Graphs(
        torch.ones(1200, 1), torch.cat([edges, edges.flip(0)], 1), torch.arange(40).repeat_interleave(30), 40
    )
    found = only("subgraph", graphs, keep=keep)
    size = max(int(keep * 30), 1)
    assert torch.equal(torch.bincount(found.graph), torch.full((40,), size))
    assert found.edges.shape[1] == 40 * 2 * (size - 1)  # a connected part of a cycle is a path


def test_whole_subgraph_of_a_connected_graph():
    path = torch.stack([torch.arange(9), torch.arange(1, 10)])
    graphs = Graphs(torch.rand(10, 2), torch.cat([path, path.flip(0)], 1), torch.zeros(10, dtype=torch.int64), 1)
    found = only("subgraph", graphs, keep=1.0)
    assert torch.equal(found.x, graphs.x)
    assert pairs(found) == pairs(graphs)


def test_subgraph_stops_at_its_component_and_lone_nodes_survive():
    edges = torch.tensor([[0, 1], [1, 0]])
    graphs = Graphs(
        torch.ones(7, 1), edges, torch.tensor([0, 0, 0, 0, 0, 0, 1]), 2
    )  # a pair, four lone nodes; one node
    for seed in range(20):
        found = only("subgraph", graphs, seed, keep=1.0)
        assert torch.bincount(found.graph).tolist() in ([2, 1], [1, 1])
        for kind in KINDS:
            assert torch.bincount(only(kind, graphs, seed, rate=0.9).graph, minlength=2).min() >= 1


def test_graph_settings_are_checked():
    with pytest.raises(ValueError, match=r"view\.kinds must be among drop_nodes"):
        GraphAugmentations({}, kinds=("flip",))
    with pytest.raises(ValueError, match=r"0 ≤ view\.rate < 1"):
        GraphAugmentations({}, rate=1.0)
