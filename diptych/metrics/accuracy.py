"""Share of correct classes."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics.base import Metric


class Accuracy(Metric):
    """Share of test rows whose class is right."""

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs: ClassVar[Literal["labels"]] = "labels"
    chance: ClassVar[str] = "share of the largest class"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        return float((truth == predicted).mean())
