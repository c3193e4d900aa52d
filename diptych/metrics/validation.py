"""Score of held-out training rows."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics.base import Metric


class Validation(Metric):
    """Mean over training rows, each scored while its fold was held out: log-likelihood (linear, xgboost) or hits.

    It never sees a test row, so that configurations of a method may be chosen by it. Of one probe only: the scales
    of probes differ.
    """

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (-np.inf, 1.0)
    needs: ClassVar[Literal["held_out"]] = "held_out"
    chance: ClassVar[str] = "that of the most frequent class; for log-likelihoods −entropy of the classes"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        return float(predicted.mean())
