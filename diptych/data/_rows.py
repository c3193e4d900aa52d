"""Rows of raw content, whatever the modality: how many, which ones, and which are identical."""

import hashlib
from typing import Any

import numpy as np

from diptych.data.samples import GraphArrays


def count(x: Any) -> int:
    """The number of samples in raw content."""
    if isinstance(x, dict):
        return count(x["image"])
    return len(x.node_offsets) - 1 if isinstance(x, GraphArrays) else len(x)


def take(x: Any, rows: np.ndarray) -> Any:
    """The samples in `rows`."""
    if isinstance(x, dict):
        return {name: take(part, rows) for name, part in x.items()}
    if isinstance(x, GraphArrays):
        return _take_graphs(x, rows)
    if isinstance(x, list):
        return [x[row] for row in rows]
    return x[rows] if isinstance(x, np.ndarray) else x.iloc[rows].reset_index(drop=True)


def digests(x: Any) -> np.ndarray:
    """A digest of each sample's content, equal for identical samples: [n]."""
    if isinstance(x, dict):
        parts = [digests(part) for part in x.values()]
        return np.array([_digest("".join(row).encode()) for row in zip(*parts, strict=True)])
    if isinstance(x, GraphArrays):
        return np.array([_digest(_graph_bytes(x, i)) for i in range(count(x))])
    if isinstance(x, list | np.ndarray):
        return np.array([_digest(_bytes(sample)) for sample in x])
    return _table_digests(x)


def _table_digests(table: Any) -> np.ndarray:
    import pandas as pd

    return pd.util.hash_pandas_object(table, index=False).to_numpy().astype(str)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _bytes(sample: str | np.ndarray) -> bytes:
    if isinstance(sample, str):
        return " ".join(sample.lower().split()).encode()
    return str(sample.shape).encode() + sample.tobytes()


def _graph_bytes(x: GraphArrays, i: int) -> bytes:
    nodes = x.nodes[x.node_offsets[i] : x.node_offsets[i + 1]]
    edges = x.edges[:, x.edge_offsets[i] : x.edge_offsets[i + 1]]
    return _bytes(nodes) + _bytes(edges)


def _take_graphs(x: GraphArrays, rows: np.ndarray) -> GraphArrays:
    nodes, node_offsets = _ranges(x.node_offsets, rows)
    edges, edge_offsets = _ranges(x.edge_offsets, rows)
    return GraphArrays(x.nodes[nodes], node_offsets, x.edges[:, edges], edge_offsets)


def _ranges(offsets: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the slices of `rows`, concatenated, and their offsets: [sum sizes], [rows + 1]."""
    sizes = np.diff(offsets)[rows]
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return np.arange(ends[-1]) + np.repeat(offsets[rows] - ends[:-1], sizes), ends
