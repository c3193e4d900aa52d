"""Values missing in one block per sample."""

from typing import ClassVar, Literal

import numpy as np

from diptych.corruptions._missing import Missing
from diptych.corruptions.base import Array
from diptych.data.samples import Samples


class MissingBlock(Missing):
    """One block per sample vanishes: neighbouring fields, a gap of time steps, a square, a span of words, nodes.

    Blocks run on from the last unit to the first: else the middle would go first and the edges hardly ever.
    """

    target: ClassVar[Literal["input"]] = "input"
    modalities: ClassVar[tuple[str, ...]] = ("image", "series", "tabular", "text", "graph", "image_text")
    whole_steps: ClassVar[bool] = True

    def _priority(self, samples: Samples, rng: np.random.Generator) -> Array:
        """The block grows around a random unit; rows share out the rounding, so that the total is exact."""
        present = self._units(samples)
        flat = present.reshape(len(present), -1)  # [n, units]
        centre = np.argmax(rng.random(flat.shape) * flat, axis=1)[:, None]  # [n, 1], a unit that is present
        distance = np.where(flat, _distance(present, centre), flat.shape[1])
        order = np.argsort(distance, axis=1, kind="stable")
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(flat.shape[1])[None], axis=1)
        size = np.maximum(flat.sum(1, keepdims=True), 1)  # [n, 1]
        priority: Array = (rank + rng.random((len(flat), 1))) / size
        return priority.reshape(present.shape)


def _distance(present: Array, centre: Array) -> Array:
    """Steps of a chess king from the centre to each unit [n, units], on a board without edges: balls are squares."""
    if present.ndim == 2:  # a row of units, counted without the absent ones
        axes = [(np.cumsum(present, 1) - 1, present.sum(1, keepdims=True))]
    else:
        units = np.unravel_index(np.arange(present[0].size), present.shape[1:])
        axes = [(np.broadcast_to(u, (len(present), len(u))), n) for u, n in zip(units, present.shape[1:], strict=True)]
    gaps = [(np.abs(position - np.take_along_axis(position, centre, 1)), size) for position, size in axes]
    return np.asarray(np.max([np.minimum(gap, size - gap) for gap, size in gaps], axis=0))
