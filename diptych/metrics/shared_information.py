"""Information that two views share."""

from typing import ClassVar, Literal

import numpy as np
from scipy.special import logsumexp

from diptych.metrics._sphere import sphere
from diptych.metrics.base import Metric

CANDIDATES = 512  # per row; the estimate cannot exceed its logarithm, 6.24 nats
SCALES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # of the cosine: inverse temperatures


class SharedInformation(Metric):
    """InfoNCE estimate of I(v1; v2) in nats, ln K − loss: a lower bound (van den Oord et al. 2018, 1807.03748, eq. 5).

    The critic is the cosine at the best of a few temperatures, so that methods with different ones can be compared.
    """

    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)
    needs: ClassVar[Literal["embeddings"]] = "embeddings"
    chance: ClassVar[str] = "0 for unrelated views or a collapsed encoder; at most ln of 512 candidates"

    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        first, second = sphere(truth), sphere(predicted)
        size = min(CANDIDATES, len(first))
        blocks = [slice(start, start + size) for start in range(0, len(first) - size + 1, size)]
        cosines = np.stack([first[block] @ second[block].T for block in blocks])  # [blocks, K, K]
        return max(0.0, *(_estimate(scale * cosines) for scale in SCALES))


def _estimate(logits: np.ndarray) -> float:
    """ln K − cross-entropy, the positives on the diagonals of [blocks, K, K]."""
    positive = np.diagonal(logits, axis1=1, axis2=2)  # [blocks, K]
    return float(np.log(logits.shape[2]) + (positive - logsumexp(logits, axis=2)).mean())
