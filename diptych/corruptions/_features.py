"""Content of any modality as plain features, scaled by training rows: enough to say which classes are near."""

import numpy as np

from diptych.corruptions._missing import FIRST_WORD
from diptych.corruptions.base import Array
from diptych.data.samples import GraphArrays, Samples

WORDS = 2000  # tokens of a text that count, the first of the vocabulary


def features(samples: Samples) -> Array:
    """Float32 [n, D] with mean 0 and sd 1 over training rows; what is missing is at the mean."""
    x = _plain(samples.x).astype(np.float32)
    train = x[samples.split == 0]
    known = np.maximum((~np.isnan(train)).sum(0), 1)  # [D]
    mean = (np.nansum(train, 0, dtype=float) / known).astype(np.float32)  # of a constant column exactly its value
    sd = np.sqrt(np.nansum((train - mean) ** 2, 0, dtype=float) / known).astype(np.float32)
    return np.asarray(np.nan_to_num((x - mean) / np.where(sd > 0, sd, np.float32(1))))


def _plain(x: Array | GraphArrays | dict[str, Array]) -> Array:
    if isinstance(x, dict):
        return np.concatenate([_plain(part) for part in x.values()], axis=1)
    if isinstance(x, GraphArrays):
        return _of_graphs(x)
    return _of_words(x) if x.dtype.kind == "i" else x.reshape(len(x), -1)


def _of_words(tokens: Array) -> Array:
    """Which tokens a text holds: [n, WORDS]."""
    bag = np.zeros((len(tokens), WORDS), np.float32)
    row, place = np.nonzero((tokens >= FIRST_WORD) & (tokens < WORDS))
    bag[row, tokens[row, place]] = 1
    return bag


def _of_graphs(x: GraphArrays) -> Array:
    """Mean of the node attributes and the sizes: [n, channels + 2]."""
    sizes, edges = np.diff(x.node_offsets), np.diff(x.edge_offsets)
    owner = np.repeat(np.arange(len(sizes)), sizes)  # [nodes]
    sums = [np.bincount(owner, np.nan_to_num(channel), len(sizes)) for channel in x.nodes.T]
    means = np.stack(sums, 1) / np.maximum(sizes, 1)[:, None]
    return np.concatenate([means, np.log1p(np.stack([sizes, edges], 1))], axis=1)
