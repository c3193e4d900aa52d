"""Labels confused with a neighbouring class."""

from typing import ClassVar, Literal

import numpy as np

from diptych.corruptions._labels import LabelNoise
from diptych.corruptions.base import Array
from diptych.data.samples import Samples


class LabelNoiseClass(LabelNoise):
    """Training rows of class c become class c + 1: pair-flip noise (Han et al. 2018, Co-teaching, 1804.06872)."""

    target: ClassVar[Literal["label"]] = "label"
    modalities: ClassVar[tuple[str, ...]] = ("image", "series", "tabular", "text", "graph", "image_text")
    bounds: ClassVar[tuple[float, float]] = (0.0, 0.49)  # from one half on, the wrong class is the common one

    def _draw(self, samples: Samples, classes: int, rng: np.random.Generator) -> tuple[Array, Array]:
        return rng.random(len(samples)), (samples.label + 1) % classes
