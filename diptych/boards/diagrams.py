"""Figures of a comparison: critical-difference diagram, intervals of mean ranks, and who wins against whom."""

from __future__ import annotations

import numpy as np

from diptych import comparisons
from diptych.boards.comparison import Compared
from diptych.boards.figures import Drawn, canvas, style, svg
from diptych.boards.looks import INK, palette

SHOWN = 25  # rows, the best by mean rank


def plots(c: Compared) -> list[Drawn]:
    """Intervals always; the critical-difference diagram if Friedman's test rejects; wins where pairs are known."""
    drawn = [intervals(c)]
    if c.pairwise and c.friedman[1] < comparisons.LEVEL:
        drawn.append(critical_difference(c))
    return [*drawn, win_matrix(c)] if c.pairwise else drawn


def _order(c: Compared) -> list[int]:
    return [int(i) for i in np.argsort(c.rank.mean(-1), kind="stable")[:SHOWN]]


def intervals(c: Compared) -> Drawn:
    """Mean rank and its interval for each row; filled marks cannot be told from the best."""
    order, colours, (low, high) = _order(c), palette(c.board), c.intervals[0]
    with style():
        figure, (axis,) = canvas(1, 6.5, 0.9 + 0.28 * len(order))
        for y, i in enumerate(order):
            colour = colours[str(c.rows[i])]
            axis.plot([low[i], high[i]], [y, y], color=colour, lw=2)
            axis.plot(c.rank[i].mean(), y, "D", ms=6, mfc=colour if c.top[i] else "none", mec=colour, mew=1.5)
        axis.set_yticks(range(len(order)), [str(c.rows[i]) for i in order])
        axis.invert_yaxis()
        axis.set(title=f"Mean rank, {c.scope} (1 is best)")
        caption = "Bars: 95 % intervals over data sets and seeds. Filled: cannot be told from the best mean rank."
        return caption, svg(figure, f"ranks-{c.scope}")


def critical_difference(c: Compared) -> Drawn:
    """Rows along mean rank; a bar joins neighbours of which no pair differs after Holm (Demšar 2006)."""
    order = _order(c)
    means, bars = c.rank.mean(-1), cliques(c.adjusted[np.ix_(order, order)] >= comparisons.LEVEL)
    with style():
        figure, (axis,) = canvas(1, 6.5, 0.9 + 0.28 * len(order) + 0.14 * len(bars))
        for y, i in enumerate(order):
            axis.plot([means[i], means[i]], [-1, y], color=INK, lw=0.7, alpha=0.5)
            axis.plot(means[i], y, "o", ms=5, color=INK)
        for level, (first, last) in enumerate(bars):
            ends = [means[order[first]] - 0.03, means[order[last]] + 0.03]
            axis.plot(ends, [-1 - 0.5 * level] * 2, color=INK, lw=3.5, solid_capstyle="butt")
        axis.set_yticks(range(len(order)), [str(c.rows[i]) for i in order])
        axis.invert_yaxis()
        axis.set(title=f"Mean rank, {c.scope}: joined rows do not differ")
        caption = "Thick bars join rows of which no pair differs (Wilcoxon signed-rank over data sets, Holm, .05)."
        return caption, svg(figure, f"difference-{c.scope}")


def cliques(same: np.ndarray) -> list[tuple[int, int]]:
    """The longest runs (first, last) of ordered rows in which all pairs are the same [n, n], of two rows or more."""
    n = len(same)
    ends = [max(e for e in range(i, n) if same[i : e + 1, i : e + 1].all()) for i in range(n)]
    return [(i, e) for i, e in enumerate(ends) if e > i and (i == 0 or e > ends[i - 1])]


def win_matrix(c: Compared) -> Drawn:
    """The share of data sets on which the row beats the column."""
    import seaborn as sns

    order = _order(c)
    names = [str(c.rows[i]) for i in order]
    won = c.outcomes[np.ix_(order, order)][..., 0] / len(c.tasks)
    size = 2.2 + 0.32 * len(order)
    with style():
        figure, (axis,) = canvas(1, size + 1, size)
        look = {"annot": len(order) <= 15, "fmt": ".2f", "annot_kws": {"size": 7}, "square": True}
        sns.heatmap(
            won, vmin=0, vmax=1, cmap="cividis", mask=np.eye(len(order), dtype=bool), ax=axis,
            xticklabels=names, yticklabels=names, cbar=False, **look,
        )  # fmt: skip
        axis.grid(visible=False)
        axis.set(title=f"Share of data sets won, row over column, {c.scope}")
        caption = "Ties (within half the pooled seed sd) count as won by neither."
        return caption, svg(figure, f"wins-{c.scope}")
