"""Another amplitude of series."""

from typing import Any

from torch import Generator, Tensor

from diptych.views._series import TwoDraws, at_least, scaled


class Scaling(TwoDraws):
    """Two copies of a series, each channel times N(1, σ²), constant over time; a missing value stays missing.

    Um et al. 2017, arXiv 1706.00527.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, sigma: float = 0.1) -> None:
        super().__init__(facts)
        at_least(0, sigma=sigma)
        self.sigma = sigma

    def drawn(self, x: Tensor, rng: Generator) -> Tensor:
        """One scaled copy of series [n, T, C]."""
        return scaled(x, self.sigma, rng)
