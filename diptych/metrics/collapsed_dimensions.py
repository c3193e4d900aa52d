"""Dimensions that say nothing."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics._sphere import sphere
from diptych.metrics.base import Metric

DEAD = 1e-4  # standard deviation of a dimension on the unit sphere


class CollapsedDimensions(Metric):
    """Share of dimensions that hardly vary over samples (standard deviation below 1e-4 on the unit sphere)."""

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs: ClassVar[Literal["embeddings"]] = "embeddings"
    chance: ClassVar[str] = "1 for a collapsed encoder"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        return float((sphere(predicted).std(0) < DEAD).mean())
