"""Ranks that admit ties, shares of the way from floor to ceiling, and areas under degradation curves.

Unit of replication is the data set: seeds are averaged inside a data set before anything is ranked or averaged.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

TIE_SHARE = 0.5  # of the pooled seed sd: scores closer than this are ties
GAP_SDS = 3.0  # pooled seed sds that must lie between floor and ceiling for a share to mean something
SMALLEST_GAP = 0.01  # the same where seeds show no spread


@dataclass(frozen=True)
class Summary:
    """Seeds of one row on one data set."""

    mean: float
    sd: float  # sample sd; NaN for a single seed
    n: int


def summarise(values: Iterable[float]) -> Summary:
    """Mean and sample sd of the values that exist; NaN where none does."""
    kept = np.array([v for v in values if np.isfinite(v)], dtype=float)
    if not len(kept):
        return Summary(float("nan"), float("nan"), 0)
    return Summary(float(kept.mean()), float(kept.std(ddof=1)) if len(kept) > 1 else float("nan"), len(kept))


def pooled_sd(summaries: Iterable[Summary]) -> float:
    """One seed sd for a data set, from the rows that have several seeds; 0 where none has."""
    spread = [(s.n - 1, s.sd**2) for s in summaries if s.n > 1]
    freedom = sum(n for n, _ in spread)
    return float(np.sqrt(sum(n * variance for n, variance in spread) / freedom)) if freedom else 0.0


def compared(own: Summary, other: Summary, higher_is_better: bool) -> int:
    """1 if `own` is better, −1 if worse, 0 within half the seed sd that the two have in common: a tie and no test.

    The spread of other rows says nothing of these two: one erratic row would make ties of all others.
    """
    gap = own.mean - other.mean if higher_is_better else other.mean - own.mean
    return int(np.sign(gap)) if abs(gap) > TIE_SHARE * pooled_sd([own, other]) else 0


def ranks(scores: Array, tolerance: float | Array = 0.0) -> Array:
    """Rank of each score [..., n], 1 is the highest: one plus those above, plus half of those within tolerance.

    Missing scores are −∞ and tie below every other, so that failing never helps; NaN takes no part and has no rank.
    Ranks of m scores always sum to m (m + 1) / 2, although "within tolerance" [...] is not transitive.
    """
    row, column = scores[..., :, None], scores[..., None, :]
    with np.errstate(invalid="ignore"):
        gap = column - row  # [..., n, n]: by how much the column lies above the row
    tied = (row == column) | (np.abs(gap) <= np.asarray(tolerance)[..., None, None])
    rank: Array = 1 + ((gap > 0) & ~tied).sum(-1) + (tied.sum(-1) - 1) / 2
    return np.where(np.isnan(scores), np.nan, rank)


def average(values: Array) -> Array:
    """Mean over the last axis of what is not NaN; NaN where there is nothing."""
    known = ~np.isnan(values)
    count = known.sum(-1)
    total = np.where(known, values, 0.0).sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def share(score: float, floor: Summary, ceiling: Summary, higher_is_better: bool) -> float:
    """(score − floor) / (ceiling − floor), not clipped; NaN where the gap is too small to divide by."""
    gap = ceiling.mean - floor.mean
    upward = gap if higher_is_better else -gap
    needed = max(SMALLEST_GAP, GAP_SDS * pooled_sd([floor, ceiling]))
    return float((score - floor.mean) / gap) if upward >= needed else float("nan")


def area(severities: Array, values: Array) -> float:
    """Trapezoid of a score over severity, divided by the largest severity; NaN with fewer than two points."""
    kept = np.isfinite(values)
    severities, values = severities[kept], values[kept]
    if len(severities) < 2 or severities.max() <= 0:
        return float("nan")
    order = np.argsort(severities)
    width = severities.max() - severities.min()
    return float(np.trapezoid(values[order], severities[order]) / width)


def retained(severities: Array, values: Array, chance: float) -> float:
    """Area of (score − chance) / (clean − chance); NaN where the clean score is not above chance."""
    clean = values[severities == 0]
    if not len(clean) or not clean[0] > chance:
        return float("nan")
    return area(severities, np.maximum((values - chance) / (clean[0] - chance), 0.0))
