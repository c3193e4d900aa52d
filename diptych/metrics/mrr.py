"""Mean reciprocal rank."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics.base import Metric


class Mrr(Metric):
    """Mean of 1 / rank of the best relevant candidate."""

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    needs: ClassVar[Literal["ranks"]] = "ranks"
    chance: ClassVar[str] = "(1 + 1/2 + … + 1/N) / N for N candidates"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        return float((1.0 / predicted).mean())
