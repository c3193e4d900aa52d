"""Values missing as when sensors are off."""

from typing import ClassVar, Literal

import numpy as np

from diptych.corruptions._missing import Missing
from diptych.corruptions.base import Array
from diptych.data.samples import Samples

SITES = 10


class MissingChannel(Missing):
    """Whole channels of a series fall silent one after another, from the last step on; a site lacks fields of a table.

    A series loses its channels in a random order of its own, each from its own end backwards: at 0.4, two of five are
    gone, and of one channel the last two fifths (later visits of a ragged series go first). The rows of a table, or its
    groups, belong to one of ten sites; all rows of a site lack the same fields, the last one of them in some rows.
    """

    target: ClassVar[Literal["input"]] = "input"
    modalities: ClassVar[tuple[str, ...]] = ("series", "tabular")

    def _priority(self, samples: Samples, rng: np.random.Generator) -> Array:
        present = self._units(samples)
        row = rng.random((len(present), 1))  # shares out the rounding, so that the total is exact
        if samples.modality == "tabular":
            return np.asarray((_off(present.shape[1], _sites(samples, rng), rng) + row) / present.shape[1])
        later = present.sum(1, keepdims=True) - np.cumsum(present, axis=1)  # [n, T, C], steps of the channel after this
        silent = (later + row[:, :, None]) / np.maximum(present.sum(1, keepdims=True), 1)
        channels = _off(present.shape[2], np.arange(len(present)), rng)  # [n, C]
        return np.asarray((channels[:, None] + silent) / present.shape[2])


def _off(count: int, unit: Array, rng: np.random.Generator) -> Array:
    """The place of each field or channel in its unit's order of failing: [n, count]."""
    return np.asarray(rng.random((unit.max() + 1, count)).argsort(1).argsort(1)[unit])


def _sites(samples: Samples, rng: np.random.Generator) -> Array:
    """The site of each row: [n]; a group is at one site."""
    group = np.arange(len(samples)) if samples.group is None else np.unique(samples.group, return_inverse=True)[1]
    return np.asarray(rng.integers(SITES, size=group.max() + 1)[group])
