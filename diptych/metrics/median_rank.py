"""The middle rank of retrieval."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics.base import Metric


class MedianRank(Metric):
    """Median rank of the best relevant candidate; 1 is perfect."""

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (1.0, np.inf)
    needs: ClassVar[Literal["ranks"]] = "ranks"
    chance: ClassVar[str] = "(candidates + 1) / 2"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        return float(np.median(predicted))
