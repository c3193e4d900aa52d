"""Values missing by their own size."""

from typing import ClassVar, Literal

import numpy as np

from diptych.corruptions._dependent import Dependent
from diptych.corruptions.base import Array
from diptych.data.samples import Samples


class MissingMnar(Dependent):
    """Large values go first, with noise: not at random (self-masking; Muzellec et al. 2020, 2002.03860).

    Large is a number or series value far above its training mean, a bright pixel, a rare level, a word late in the
    vocabulary. The odds of going missing grow by e with each sd.
    """

    target: ClassVar[Literal["input"]] = "input"
    modalities: ClassVar[tuple[str, ...]] = ("image", "series", "tabular", "text", "image_text")

    def _driver(self, values: Array, samples: Samples, rng: np.random.Generator) -> Array:
        return values
