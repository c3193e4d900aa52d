"""What label noise shares: which training rows change class."""

from abc import abstractmethod
from dataclasses import replace

import numpy as np

from diptych.corruptions.base import Array, Corruption, lowest
from diptych.data.samples import Samples


class LabelNoise(Corruption):
    """Gives the severity's share of training rows another class; test labels stay."""

    @abstractmethod
    def _draw(self, samples: Samples, classes: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Priority [n] of each row, the lowest go first, and its wrong class [n], never its own."""

    def _damage(self, samples: Samples, severity: float, rng: np.random.Generator) -> Samples:
        classes = int(samples.label.max()) + 1
        if classes < 2:
            raise ValueError(f"{type(self).__name__}: labels of a single class cannot be confused")
        priority, other = self._draw(samples, classes, rng)
        train = int((samples.split == 0).sum())
        flipped = lowest(priority, samples.split, {0: round(severity * train)})
        return replace(samples, label=np.where(flipped, other, samples.label))
