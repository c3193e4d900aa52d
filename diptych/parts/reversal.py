"""Gradient reversal: what is before it ascends where all that is after it descends."""

from torch import Tensor


def reversed_gradient(x: Tensor) -> Tensor:
    """The identity, whose gradient is −1 times the incoming one. Ganin & Lempitsky 2015, arXiv 1409.7495."""
    return 2 * x.detach() - x  # exactly x: doubling a float loses nothing
