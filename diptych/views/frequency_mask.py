"""Series without some of their frequencies."""

from typing import Any

from torch import Generator, Tensor

from diptych.views._series import TwoDraws, shares, without_bins


class FrequencyMask(TwoDraws):
    """Two copies of a series without some of its frequencies: each is gone with p = `rate`, from all channels.

    As TF-C removes components (Zhang et al. 2022, arXiv 2206.08496, section 4.2), but back in time and real-valued.
    Missing values count as 0, their training mean, and stay missing.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, rate: float = 0.1) -> None:
        super().__init__(facts)
        shares(rate=rate)
        self.rate = rate

    def drawn(self, x: Tensor, rng: Generator) -> Tensor:
        """One copy of series [n, T, C] with gaps in its spectrum."""
        return without_bins(x, self.rate, rng)
