"""Distance of positive pairs."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics._sphere import sphere
from diptych.metrics.base import Metric


class Alignment(Metric):
    """Mean squared distance of two views of a sample on the unit sphere (Wang & Isola 2020, 2005.10242)."""

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 4.0)
    needs: ClassVar[Literal["embeddings"]] = "embeddings"
    chance: ClassVar[str] = "2 for unrelated views, 0 for a collapsed encoder"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        return float(((sphere(truth) - sphere(predicted)) ** 2).sum(1).mean())
