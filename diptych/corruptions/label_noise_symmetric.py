"""Labels confused at random."""

from typing import ClassVar, Literal

import numpy as np

from diptych.corruptions._labels import LabelNoise
from diptych.corruptions.base import Array
from diptych.data.samples import Samples


class LabelNoiseSymmetric(LabelNoise):
    """Training rows get a class drawn evenly from the other classes, so the nominal rate is the effective one."""

    target: ClassVar[Literal["label"]] = "label"
    modalities: ClassVar[tuple[str, ...]] = ("image", "series", "tabular", "text", "graph", "image_text")

    def _draw(self, samples: Samples, classes: int, rng: np.random.Generator) -> tuple[Array, Array]:
        return rng.random(len(samples)), (samples.label + rng.integers(1, classes, len(samples))) % classes
