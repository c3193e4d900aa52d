"""Values missing completely at random."""

from typing import ClassVar, Literal

import numpy as np

from diptych.corruptions._missing import Missing
from diptych.corruptions.base import Array
from diptych.data.samples import Samples


class MissingMcar(Missing):
    """Single units vanish at random: table fields, series values, pixels, words (become unknown), node attributes."""

    target: ClassVar[Literal["input"]] = "input"
    modalities: ClassVar[tuple[str, ...]] = ("image", "series", "tabular", "text", "graph", "image_text")

    def _priority(self, samples: Samples, rng: np.random.Generator) -> Array:
        return rng.random(self._units(samples).shape)
