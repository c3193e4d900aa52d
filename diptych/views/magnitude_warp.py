"""Series of a varying amplitude."""

from typing import Any

from torch import Generator, Tensor

from diptych.views._series import TwoDraws, at_least, spline_knots


class MagnitudeWarp(TwoDraws):
    """Two copies of a series, each channel times a smooth curve through N(1, σ²) at some knots.

    Um et al. 2017, arXiv 1706.00527. A missing value stays missing.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, sigma: float = 0.2, knots: int = 4) -> None:
        super().__init__(facts)
        at_least(0, sigma=sigma, knots=knots)
        self.sigma, self.knots = sigma, knots

    def drawn(self, x: Tensor, rng: Generator) -> Tensor:
        """One warped copy of series [n, T, C]."""
        return x * spline_knots(x, self.knots, self.sigma, rng, channels=x.shape[2])
