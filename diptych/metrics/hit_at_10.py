"""Retrieval within the first 10."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics.base import Metric


class HitAt10(Metric):
    """Share of queries with a relevant candidate among the first 10; ties count half."""

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs: ClassVar[Literal["ranks"]] = "ranks"
    chance: ClassVar[str] = "10 / candidates"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        return float((predicted <= 10).mean())
