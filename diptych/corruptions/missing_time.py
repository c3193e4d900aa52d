"""Time steps missing as in the TS2Vec experiments."""

from math import floor
from typing import ClassVar, Literal

import numpy as np

from diptych.corruptions._missing import Missing
from diptych.corruptions.base import Array
from diptych.data.samples import Samples


class MissingTime(Missing):
    """Whole time steps vanish at random, pooled over the series of a split (TS2Vec's `data_dropout`, 2106.10466)."""

    target: ClassVar[Literal["input"]] = "input"
    modalities: ClassVar[tuple[str, ...]] = ("series",)
    whole_steps: ClassVar[bool] = True

    def _priority(self, samples: Samples, rng: np.random.Generator) -> Array:
        return rng.random(self._units(samples).shape)

    def _count(self, share: float) -> int:
        return floor(share)
