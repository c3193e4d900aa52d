"""Series at a varying speed."""

from typing import Any

from torch import Generator, Tensor

from diptych.views._series import TwoDraws, at_least, warped


class TimeWarp(TwoDraws):
    """Two copies of a series, read along smooth paths of a speed through N(1, σ²) at some knots, never backwards.

    Um et al. 2017, arXiv 1706.00527, who let a path turn back; here its speed is at least a tenth. First and last value
    stay; a value is missing where most of what it is interpolated from is.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, sigma: float = 0.2, knots: int = 4) -> None:
        super().__init__(facts)
        at_least(0, sigma=sigma, knots=knots)
        self.sigma, self.knots = sigma, knots

    def drawn(self, x: Tensor, rng: Generator) -> Tensor:
        """One warped copy of series [n, T, C]."""
        return warped(x, self.sigma, self.knots, rng)
