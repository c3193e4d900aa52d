"""Spread per dimension."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics._sphere import sphere
from diptych.metrics.base import Metric


class StdRatio(Metric):
    """Mean standard deviation per dimension on the unit sphere, times √d; 1 is isotropic, below 0.1 collapsed."""

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs: ClassVar[Literal["embeddings"]] = "embeddings"
    chance: ClassVar[str] = "0 for a collapsed encoder"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        z = sphere(predicted)
        return float(z.std(0).mean() * np.sqrt(z.shape[1]))
