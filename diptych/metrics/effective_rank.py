"""How many dimensions an embedding uses."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics._sphere import capped
from diptych.metrics.base import Metric

EPSILON = 1e-7


class EffectiveRank(Metric):
    """Exponential of the entropy of the singular values, uncentred: RankMe (Garrido et al. 2023, 2210.02885)."""

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (1.0, np.inf)
    needs: ClassVar[Literal["embeddings"]] = "embeddings"
    chance: ClassVar[str] = "1 for a collapsed encoder; compare with the untrained one"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        sigma = np.linalg.svd(capped(predicted), compute_uv=False)
        if not sigma.sum() > 0:
            return 1.0
        p = sigma / sigma.sum() + EPSILON
        return float(max(1.0, np.exp(-(p * np.log(p)).sum())))
