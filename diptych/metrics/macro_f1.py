"""Mean F1 of the classes."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics.base import Metric


class MacroF1(Metric):
    """Mean F1 of the classes that occur in test or are predicted; 0 for a class never found."""

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs: ClassVar[Literal["labels"]] = "labels"
    chance: ClassVar[str] = "F1 of always answering the largest class, over the classes"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        from sklearn.metrics import f1_score

        return float(f1_score(truth, predicted, average="macro", zero_division=0))
