"""Negative log-likelihood."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics.base import Metric

FLOOR = 1e-15


class LogLoss(Metric):
    """Mean −log of the probability given to the right class, clipped at 1e-15."""

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 34.6)
    needs: ClassVar[Literal["probabilities"]] = "probabilities"
    chance: ClassVar[str] = "entropy of the class shares"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        p = predicted.astype(np.float64)
        p = p[np.arange(len(truth)), truth] / p.sum(1)  # stored as float32, so the sum is 1 only nearly
        return float(-np.log(np.clip(p, FLOOR, 1.0)).mean())
