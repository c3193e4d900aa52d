"""How well a score came back: identical, numeric, within seed noise, or shifted. Pure functions of numbers.

A score that comes back outside the 95 % prediction interval of its stored seeds is *shifted*. One in twenty is, by
chance alone; whether a sample has more than that is a question for a binomial test.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan, sqrt
from typing import Literal, get_args

import numpy as np

Ranks = Mapping[Hashable, float]
Verdict = Literal["identical", "numeric", "seed-noise", "shifted", "skipped", "not runnable", "stale"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)  # a worse one comes later
ENOUGH = 5  # seeds, below which a spread is pooled over the data sets of the method
LEVEL = 0.05
RELATIVE = 1e-6  # between numbers that differ by the order of their additions alone
PERSISTENCE = 0.9  # of a reader who goes down a ranking: how likely the next row is looked at


@dataclass(frozen=True)
class Spread:
    """Where a new seed is expected: mean ± t(df, .975) · sd · √(1 + 1/n)."""

    mean: float
    sd: float
    n: int
    df: int  # of sd
    pooled: bool  # whether sd is that of several data sets

    @property
    def interval(self) -> tuple[float, float]:
        """The prediction interval; only the mean itself where no spread is known."""
        from scipy.special import stdtrit

        far = float(stdtrit(self.df, 1 - LEVEL / 2)) * self.sd * sqrt(1 + 1 / self.n) if self.df else 0.0
        return self.mean - far, self.mean + far

    def __str__(self) -> str:
        low, high = self.interval
        if not self.df:
            return f"{self.mean:.6g} (one seed: no spread is known)"
        whose = f"sd pooled over data sets, {self.df} degrees of freedom" if self.pooled else "own sd"
        return f"[{low:.6g}, {high:.6g}] ({self.n} seeds, {whose})"


def spread(own: Sequence[float], others: Iterable[Sequence[float]] = ()) -> Spread:
    """The spread of a score's stored seeds; of fewer than ENOUGH, the sd is pooled with that on other data sets."""
    values = [value for value in own if isfinite(value)]
    if not values:
        return Spread(float("nan"), 0.0, 1, 0, False)
    groups = [values] if len(values) >= ENOUGH else [values, *([v for v in o if isfinite(v)] for o in others)]
    df = sum(len(group) - 1 for group in groups if group)
    squares = sum(float(np.var(group)) * len(group) for group in groups if group)
    sd = sqrt(squares / df) if df else 0.0
    return Spread(float(np.mean(values)), sd, len(values), df, pooled=len(values) < ENOUGH)


def close(old: float, new: float) -> bool:
    """Whether two scores are the same number up to the order of additions; the same class ids give the same score."""
    return bool(old == new or abs(new - old) <= RELATIVE * max(abs(old), abs(new)) or (isnan(old) and isnan(new)))


def verdict(old: float, new: float, *, same_bytes: bool, known: Spread) -> Verdict:
    """Of one score; a score that is there on one side alone is shifted."""
    if close(old, new):
        exact = old == new or (isnan(old) and isnan(new))
        return "identical" if same_bytes and exact else "numeric"
    low, high = known.interval
    return "seed-noise" if low <= new <= high else "shifted"


def worst(found: Iterable[Verdict]) -> Verdict:
    """The verdict of a whole: that of its worst part."""
    return max(found, key=VERDICTS.index, default="identical")


def too_many(shifted: int, judged: int) -> float:
    """Probability of so many shifted scores or more if each is shifted by chance: shifted ~ Binomial(judged, .05)."""
    from scipy.stats import binom

    return float(binom.sf(shifted - 1, judged, LEVEL))


def tau(old: Ranks, new: Ranks) -> float:
    """Kendall's tau between two rankings of what both rank; NaN for fewer than two."""
    from scipy.stats import kendalltau

    both = _both(old, new)
    return float(kendalltau(*both).statistic) if both.shape[1] > 1 else float("nan")


def rbo(old: Ranks, new: Ranks) -> float:
    """Rank-biased overlap of what both rank: 1 for the same order, and the more the nearer the top it holds.

    Webber, Moffat, Zobel 2010, A similarity measure for indefinite rankings, eq. 32 with the agreement of section 4.6:
    rows that are tied enter together. The first ten ranks have 86 % of the weight. NaN for fewer than two.
    """
    from scipy.stats import rankdata

    both = _both(old, new)
    if (k := both.shape[1]) < 2:
        return float("nan")
    depths = np.arange(1, k + 1)
    inside = rankdata(both, method="min", axis=1)[:, None] <= depths[:, None]  # [2, depths, rows]
    agreement = 2 * inside.all(0).sum(1) / inside.sum((0, 2))  # [depths]
    seen = (1 - PERSISTENCE) / PERSISTENCE * (agreement @ PERSISTENCE**depths)
    return float(seen + agreement[-1] * PERSISTENCE**k)


def _both(old: Ranks, new: Ranks) -> np.ndarray:
    """The two ranks [2, rows] of what both rank."""
    shared = [key for key in old if key in new and isfinite(old[key]) and isfinite(new[key])]
    return np.array([[side[key] for key in shared] for side in (old, new)])
