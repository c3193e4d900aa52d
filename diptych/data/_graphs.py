"""Shared by the readers of graph data sets."""

import numpy as np

from diptych.data.samples import GraphArrays


def graph_arrays(kind: np.ndarray, node_sizes: np.ndarray, edges: np.ndarray, edge_sizes: np.ndarray) -> GraphArrays:
    """Graphs whose nodes have a kind 0 … K−1, one-hot as attributes [nodes, K]; edges both ways, [2, edges]."""
    nodes = np.eye(kind.max() + 1, dtype=np.float32)[kind]
    return GraphArrays(nodes, _offsets(node_sizes), edges.astype(np.int64), _offsets(edge_sizes))


def _offsets(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
