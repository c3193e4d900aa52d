"""What label noise shares: which training rows change class."""

from abc import abstractmethod
from dataclasses import replace

import numpy as np

from diptych.corruptions.base import Array, Corruption, lowest
from diptych.data.samples import Samples


class LabelNoise(Corruption):
    """Gives the severity's share of training rows another class; test labels stay."""

    @abstractmethod
    def _other(self, label: Array, classes: int, rng: np.random.Generator) -> Array:
        """The wrong class [n] of each row, never its own."""

    def _damage(self, samples: Samples, severity: float, rng: np.random.Generator) -> Samples:
        classes = int(samples.label.max()) + 1
        if classes < 2:
            raise ValueError(f"{type(self).__name__}: labels of a single class cannot be confused")
        train = int((samples.split == 0).sum())
        flipped = lowest(rng.random(len(samples)), samples.split, {0: round(severity * train)})
        other = self._other(samples.label, classes, rng)
        return replace(samples, label=np.where(flipped, other, samples.label))
