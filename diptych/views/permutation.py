"""Pieces of series in another order."""

from typing import Any

from torch import Generator, Tensor

from diptych.views._series import TwoDraws, at_least, permuted


class Permutation(TwoDraws):
    """Two copies of a series, cut at random into 1 to `segments` pieces that change places, in all channels alike.

    Um et al. 2017, arXiv 1706.00527. Missing steps before and behind a ragged series stay where they are, gaps within
    move with their piece.
    """

    modalities = ("series",)
    returns = "two"

    def __init__(self, facts: dict[str, Any], *, segments: int = 5) -> None:
        super().__init__(facts)
        at_least(1, segments=segments)
        self.segments = segments

    def drawn(self, x: Tensor, rng: Generator) -> Tensor:
        """One reordered copy of series [n, T, C]."""
        return permuted(x, self.segments, rng)
