"""Mean recall."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics.base import Metric


class BalancedAccuracy(Metric):
    """Mean recall of the classes that occur in test."""

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs: ClassVar[Literal["labels"]] = "labels"
    chance: ClassVar[str] = "1 / classes"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        return float(np.mean([(predicted[truth == c] == c).mean() for c in np.unique(truth)]))
