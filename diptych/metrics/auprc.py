"""Average precision."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics._one_vs_rest import one_vs_rest
from diptych.metrics.base import Metric


class Auprc(Metric):
    """Average precision (step sum); class 1 of two, else the mean over classes that occur in test."""

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs: ClassVar[Literal["scores"]] = "scores"
    chance: ClassVar[str] = "prevalence of class 1; else 1 / classes that occur"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        from sklearn.metrics import average_precision_score

        return float(average_precision_score(*one_vs_rest(truth, predicted), average="macro"))
