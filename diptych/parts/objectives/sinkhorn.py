"""Balanced soft assignment of samples to prototypes."""

from torch import Tensor

from diptych.parts.objectives._checks import above_zero, rows
from diptych.parts.objectives._precision import single


def sinkhorn(scores: Tensor, *, epsilon: float, iterations: int) -> Tensor:
    """Codes near the scores that use all prototypes equally; no gradient.

    scores [n, k] -> q [n, k], Σ_k q = 1:  Q = exp(scores/ε)ᵀ, then `iterations` times: rows to 1/k, columns to 1/n,
    q = n Qᵀ. In logarithms, as exp(1/ε) overflows half precision at ε = 0.05 and float32 at 0.01.
    Caron et al. 2020 (SwAV), arXiv 2006.09882, eq. 5; Cuturi 2013, arXiv 1306.0895.
    """
    rows(scores)
    above_zero(epsilon=epsilon, iterations=iterations)
    log_q = single(scores.detach()) / epsilon  # [n, k]
    for _ in range(iterations):
        # to sums of 1, not 1/k and 1/n: each step divides the factor of the one before out again
        log_q = log_q.log_softmax(0).log_softmax(1)
    return log_q.exp()
