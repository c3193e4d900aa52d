"""Prepared samples as arrays: the content of data.npz, and the seam between files and tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np

Array = np.ndarray
BLOCK = 1024  # images looked at together
HIDDEN = -1  # the label of a training row that nobody is told; no file holds it, only what a probe is to be fitted on


@dataclass(frozen=True)
class GraphArrays:
    """Graphs of a data set, each a slice of one big graph; edges hold both directions, local node ids."""

    nodes: Array  # float32 [nodes, channels], NaN = missing
    node_offsets: Array  # int64 [graphs + 1]
    edges: Array  # int64 [2, edges], node ids within their own graph
    edge_offsets: Array  # int64 [graphs + 1]


Content = Array | GraphArrays | dict[str, Array]


@dataclass(frozen=True)
class Samples:
    """All samples of a data set, both splits, row-aligned.

    `x` by modality: image float32 [n,C,H,W] in 0..1 · series float32 [n,T,C], NaN where missing or past the end ·
    tabular float32 [n,F], encoded, NaN where missing · text int64 [n,T] tokens, 0 pads, 1 = unknown, 2 starts each ·
    graph GraphArrays · image_text {"image": …, "text": …}.
    """

    modality: str
    x: Content
    label: Array  # int64 [n], class index; HIDDEN on training rows of which few_labels tells no label
    split: Array  # uint8 [n], 0 train, 1 test
    key: Array  # int64 [n], object id; equal keys are never in two splits
    id: Array  # int64 [n], row in the source
    group: Array | None = None  # int64 [n]
    time: Array | None = None  # int64 [n], position in the recording, whose windows have equal keys
    statistics: Mapping[str, Array] = field(default_factory=dict)  # fitted on train only

    def __len__(self) -> int:
        return len(self.label)

    def with_x(self, x: Content) -> Samples:
        """The same rows with other content."""
        return replace(self, x=x)


def fingerprint(array: Array) -> str:
    """sha256 over dtype, shape and bytes of an array."""
    head = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(array).tobytes()).hexdigest()


_PARTS = ("label", "split", "key", "id", "group", "time")


def to_arrays(samples: Samples) -> dict[str, Array]:
    """Flat arrays for npz: ragged content as values + offsets, graphs as one big graph, statistics as stat_*."""
    arrays = {name: value for name in _PARTS if (value := getattr(samples, name)) is not None}
    arrays["modality"] = np.array(samples.modality)
    arrays |= {f"stat_{name}": value for name, value in samples.statistics.items()}
    return arrays | _pack(samples.x)


def from_arrays(arrays: Mapping[str, Array]) -> Samples:
    """The inverse of `to_arrays`."""
    modality = str(arrays["modality"])
    statistics = {name.removeprefix("stat_"): a for name, a in arrays.items() if name.startswith("stat_")}
    parts = {name: arrays[name] for name in _PARTS if name in arrays}
    return Samples(modality=modality, x=_unpack(modality, arrays), statistics=statistics, **parts)


def _pack(x: Content) -> dict[str, Array]:
    if isinstance(x, GraphArrays):
        return {f.name: getattr(x, f.name) for f in fields(GraphArrays)}
    if isinstance(x, dict):
        return {f"{part}_{name}": a for part, content in x.items() for name, a in _pack(content).items()}
    if x.dtype.kind in "iu" and x.ndim == 2:
        lengths = (x != 0).sum(1)
        return {"tokens": x[x != 0].astype(np.int32), "token_offsets": _offsets(lengths)}
    if x.ndim == 3:
        lengths = _series_lengths(x)
        kept = np.arange(x.shape[1])[None] < lengths[:, None]  # [n, T]
        return {"values": x[kept], "value_offsets": _offsets(lengths), "steps": np.array(x.shape[1])}
    return {"x": _quantised(x) if x.ndim == 4 else x}


def _unpack(modality: str, arrays: Mapping[str, Array]) -> Content:
    if modality == "image_text":
        parts = {part: _unpack(part, _strip(arrays, part)) for part in ("image", "text")}
        return {part: x for part, x in parts.items() if isinstance(x, np.ndarray)}
    if modality == "graph":
        return GraphArrays(**{f.name: arrays[f.name] for f in fields(GraphArrays)})
    if modality == "text":
        return _padded(arrays["tokens"].astype(np.int64), arrays["token_offsets"], fill=0)
    if modality == "series":
        return _padded(arrays["values"], arrays["value_offsets"], fill=np.nan, steps=int(arrays["steps"]))
    x = arrays["x"]
    return x.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else x


def _strip(arrays: Mapping[str, Array], part: str) -> dict[str, Array]:
    return {name.removeprefix(f"{part}_"): a for name, a in arrays.items() if name.startswith(f"{part}_")}


def _quantised(image: Array) -> Array:
    """Images as bytes where nothing is lost by it; in blocks, because a data set of images is large."""
    stored = np.empty(image.shape, np.uint8)
    for start in range(0, len(image), BLOCK):
        part = image[start : start + BLOCK]
        if not (part.min() >= 0 and part.max() <= 1):  # true for NaN, too
            return image
        stored[start : start + BLOCK] = np.rint(part * 255)
        if not np.array_equal(stored[start : start + BLOCK].astype(np.float32) / np.float32(255), part):
            return image
    return stored


def _series_lengths(x: Array) -> Array:
    """Steps up to the last one that holds a value; a series without any value keeps one step."""
    present = ~np.isnan(x).all(2)  # [n, T]
    last = x.shape[1] - np.argmax(present[:, ::-1], axis=1)
    return np.where(present.any(1), last, 1)


def _offsets(lengths: Array) -> Array:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _padded(values: Array, offsets: Array, *, fill: float, steps: int = 1) -> Array:
    """Ragged rows [sum T, …] to [n, max(T, steps), …]."""
    lengths = np.diff(offsets)
    shape = (len(lengths), max(int(lengths.max(initial=0)), steps), *values.shape[1:])
    out = np.full(shape, fill, dtype=values.dtype)
    out[np.arange(shape[1])[None] < lengths[:, None]] = values
    return out
