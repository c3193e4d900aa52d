"""Labels confused at random."""

from typing import ClassVar, Literal

import numpy as np

from diptych.corruptions._labels import LabelNoise
from diptych.corruptions.base import Array


class LabelNoiseSymmetric(LabelNoise):
    """Training rows get a class drawn evenly from the other classes, so the nominal rate is the effective one."""

    target: ClassVar[Literal["label"]] = "label"
    modalities: ClassVar[tuple[str, ...]] = ("image", "series", "tabular", "text", "graph", "image_text")

    def _other(self, label: Array, classes: int, rng: np.random.Generator) -> Array:
        return (label + rng.integers(1, classes, len(label))) % classes
