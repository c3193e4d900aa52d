"""Few labels."""

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from diptych.corruptions.base import Array, Corruption, lowest
from diptych.data.samples import HIDDEN, Samples


class FewLabels(Corruption):
    """All but a few training labels are hidden, by class; at least one of each stays (SimCLR's 1 %: 2002.05709).

    Objects are asked for their label one after another, classes in step: rows with one key are labelled together, and
    fewer labels are among more. What cannot be divided (a class's first object) makes the hidden share a little lower.
    """

    target: ClassVar[Literal["label"]] = "label"
    modalities: ClassVar[tuple[str, ...]] = ("image", "series", "tabular", "text", "graph", "image_text")
    bounds: ClassVar[tuple[float, float]] = (0.0, 0.99)
    axis: ClassVar[str] = "share of labels hidden"

    def _damage(self, samples: Samples, severity: float, rng: np.random.Generator) -> Samples:
        known = (samples.split == 0) & (samples.label != HIDDEN)
        turn = np.full(len(samples), np.nan)
        turn[known] = _turns(samples.label[known], samples.key[known], rng)
        kept = lowest(turn, samples.split, {0: max(round((1 - severity) * int(known.sum())), 1)})
        return replace(samples, label=np.where(known & ~kept, HIDDEN, samples.label))


def _turns(label: Array, key: Array, rng: np.random.Generator) -> Array:
    """When each row [n] is asked, in [0, 1): its object's place in the class; the first object of every class at 0."""
    pairs, unit, size = np.unique(np.stack([label, key]), axis=1, return_inverse=True, return_counts=True)
    owner, members = pairs[0], np.bincount(label)  # class of each unit, rows of each class
    order = np.lexsort((rng.random(len(size)), owner))  # units of a class stand together, shuffled
    before = np.empty_like(size)
    before[order] = np.cumsum(size[order]) - size[order]
    before -= (np.cumsum(members) - members)[owner]  # rows of the class that are asked earlier
    turn = (before + rng.random(len(size)) * size) / members[owner]
    return np.asarray(np.where(before, turn, 0.0)[unit])
