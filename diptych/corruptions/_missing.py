"""What corruptions that remove values share: which units can go missing, and how a missing one looks."""

from abc import abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from diptych.corruptions.base import Array, Corruption, lowest
from diptych.data.samples import Content, GraphArrays, Samples

UNKNOWN, FIRST_WORD = 1, 3  # text tokens: 0 pads, 1 is the unknown word, 2 marks the sequence; words come after


class Missing(Corruption):
    """Removes the units with the lowest priority, the same share in train and in test."""

    whole_steps: ClassVar[bool] = False  # series: a unit is a time step with all its channels, not a single value

    @abstractmethod
    def _priority(self, samples: Samples, rng: np.random.Generator) -> Array:
        """Priorities in [0, 1] of the units [n, …]; NaN for units that must stay and do not count."""

    def _count(self, share: float) -> int:
        """Units to remove, from the exact number."""
        return round(share)

    def _damage(self, samples: Samples, severity: float, rng: np.random.Generator) -> Samples:
        x = samples.x
        if isinstance(x, dict):
            towers = [(name, replace(samples, modality=name, x=part)) for name, part in x.items()]
            return samples.with_x({name: self._remove(tower, severity, rng) for name, tower in towers})
        return samples.with_x(self._remove(samples, severity, rng))

    def _remove(self, samples: Samples, severity: float, rng: np.random.Generator) -> Any:
        priority = np.where(self._units(samples), self._priority(samples, rng), np.nan)  # [n, …]
        split = samples.split
        count = {int(s): self._count(severity * int((~np.isnan(priority[split == s])).sum())) for s in np.unique(split)}
        return self._without(samples, lowest(priority, split, count))

    def _units(self, samples: Samples) -> Array:
        """What can go missing: fields [n, F'], values [n, T, C] or steps [n, T], pixels [n, H, W], words, nodes."""
        x = samples.x
        if isinstance(x, GraphArrays):
            return _by_graph(x, ~np.isnan(x.nodes).all(1))
        assert isinstance(x, np.ndarray)
        if samples.modality == "text":
            return np.greater_equal(x, FIRST_WORD)
        observed: Array = ~np.isnan(x)
        if samples.modality == "tabular":
            fields = fields_of(samples)
            return np.stack([observed[:, fields == f].any(1) for f in range(fields.max() + 1)], 1)
        channels = {"image": 1, "series": 2}[samples.modality]
        whole = samples.modality == "image" or self.whole_steps
        return np.asarray(observed.any(channels)) if whole else observed

    def _without(self, samples: Samples, mask: Array) -> Content:
        """A copy of the content in which the masked units are missing."""
        x = samples.x
        if isinstance(x, GraphArrays):
            gone = mask[_by_graph(x, np.ones(len(x.nodes), dtype=bool))]  # [nodes]
            return replace(x, nodes=np.where(gone[:, None], np.float32(np.nan), x.nodes))
        assert isinstance(x, np.ndarray)
        if samples.modality == "text":
            return np.where(mask, UNKNOWN, x).astype(x.dtype)
        if samples.modality == "tabular":
            mask = mask[:, fields_of(samples)]
        elif samples.modality == "image":
            mask = mask[:, None]
        elif self.whole_steps:
            mask = mask[:, :, None]
        return np.where(mask, np.float32(np.nan), x)


def fields_of(samples: Samples) -> Array:
    """Field 0 … F'−1 of each encoded column [F]: the columns of a one-hot field go missing together."""
    assert isinstance(samples.x, np.ndarray)
    field = samples.statistics.get("field", np.arange(samples.x.shape[1]))
    return np.unique(field, return_inverse=True)[1]


def _by_graph(graphs: GraphArrays, nodes: Array) -> Array:
    """Booleans per node as rows of graphs [graphs, largest graph], False past the end."""
    sizes = np.diff(graphs.node_offsets)
    out = np.arange(sizes.max(initial=0))[None] < sizes[:, None]
    out[out] = nodes
    return out
