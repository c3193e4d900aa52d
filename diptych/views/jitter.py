"""Noise on series."""

from typing import Any

from torch import Generator, Tensor

from diptych.views._series import TwoDraws, at_least, noisy


class Jitter(TwoDraws):
    """Two noisy copies of a series: x + N(0, σ²), one draw per value; a missing value stays missing.

    Um et al. 2017, arXiv 1706.00527; σ is in units of the standardised series.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, sigma: float = 0.3) -> None:
        super().__init__(facts)
        at_least(0, sigma=sigma)
        self.sigma = sigma

    def drawn(self, x: Tensor, rng: Generator) -> Tensor:
        """One noisy copy of series [n, T, C]."""
        return noisy(x, self.sigma, rng)
