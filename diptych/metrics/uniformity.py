"""Spread over the unit sphere."""

from typing import ClassVar, Literal

import numpy as np

from diptych.metrics._sphere import sphere
from diptych.metrics.base import Metric

CHUNK = 1000


class Uniformity(Metric):
    """Log mean of exp(−2 squared distance) over pairs on the unit sphere (Wang & Isola 2020); low is spread out."""

    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (-8.0, 0.0)
    needs: ClassVar[Literal["embeddings"]] = "embeddings"
    chance: ClassVar[str] = "0 for a collapsed encoder, about −4 at best in many dimensions"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        z = sphere(predicted)
        n, total = len(z), 0.0
        if n < 2:
            return 0.0  # one point is as close together as points can be
        for start in range(0, n, CHUNK):
            cosine = np.clip(z[start : start + CHUNK] @ z.T, -1.0, 1.0)  # [chunk, n]
            total += float(np.exp(-4.0 * (1.0 - cosine)).sum())
        own = float(np.exp(-4.0 * (1.0 - np.clip((z * z).sum(1), -1.0, 1.0))).sum())
        return float(np.log((total - own) / (n * (n - 1))))
