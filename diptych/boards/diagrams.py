"""Figures of a comparison: intervals of mean ranks, critical-difference diagram, and who wins against whom."""

from __future__ import annotations

import numpy as np

from diptych import comparisons
from diptych.boards.comparison import Compared
from diptych.boards.comparison_tables import order
from diptych.boards.figures import Drawn, canvas, style, svg
from diptych.boards.looks import INK, palette
from diptych.stats import average

SHOWN = 25  # rows, the best by mean rank


def plots(c: Compared) -> list[Drawn]:
    """Intervals always; the critical-difference diagram if Friedman's test rejects; wins where pairs are known."""
    drawn = [intervals(c)]
    if c.pairwise and c.friedman[1] < comparisons.LEVEL:
        drawn.append(critical_difference(c))
    return [*drawn, win_matrix(c)] if c.pairwise else drawn


def _block(c: Compared) -> tuple[list[int], list[str]]:
    """Places within the block and names, the best mean rank first."""
    places = [int(i) for i in np.argsort(average(c.ranks), kind="stable")[:SHOWN]]
    return places, [str(c.rows[c.block[i]]) for i in places]


def intervals(c: Compared) -> Drawn:
    """Mean rank and its interval for each row; filled marks cannot be told from the best."""
    rows, colours, around = order(c)[:SHOWN], palette(c.board), c.rank.around
    with style():
        figure, (axis,) = canvas(1, 6.5, 0.9 + 0.28 * len(rows))
        for y, i in enumerate(rows):
            colour = colours[str(c.rows[i])]
            if around is not None:
                axis.plot(around[:, i], [y, y], color=colour, lw=2)
            axis.plot(c.rank.value[i], y, "D", ms=6, mfc=colour if c.top[i] else "none", mec=colour, mew=1.5)
        axis.set_yticks(range(len(rows)), [str(c.rows[i]) for i in rows])
        axis.invert_yaxis()
        axis.set(title=f"Mean rank, {c.scope} (1 is best)")
        caption = "Bars: 95 % intervals over data sets and seeds. Filled: cannot be told from the best mean rank."
        return caption, svg(figure, f"ranks-{c.scope}")


def critical_difference(c: Compared) -> Drawn:
    """Rows along mean rank; a bar joins neighbours of which no pair differs (Demšar 2006).

    By Wilcoxon's test and Holm where these can tell anything, else by the critical difference.
    """
    (places, names), means = _block(c), average(c.ranks)
    bars = cliques(c.alike[np.ix_(places, places)])
    with style():
        figure, (axis,) = canvas(1, 6.5, 0.9 + 0.28 * len(places) + 0.14 * len(bars))
        for y, i in enumerate(places):
            axis.plot([means[i], means[i]], [-1, y], color=INK, lw=0.7, alpha=0.5)
            axis.plot(means[i], y, "o", ms=5, color=INK)
        for level, (first, last) in enumerate(bars):
            ends = [means[places[first]] - 0.03, means[places[last]] + 0.03]
            axis.plot(ends, [-1 - 0.5 * level] * 2, color=INK, lw=3.5, solid_capstyle="butt")
        axis.set_yticks(range(len(places)), names)
        axis.invert_yaxis()
        axis.set(title=f"Mean rank, {c.scope}: joined rows do not differ")
        told = "Wilcoxon signed-rank over data sets, Holm, .05" if c.reachable else f"by less than {c.critical:.2f}"
        caption = f"Thick bars join rows of which no pair differs ({told})."
        return caption, svg(figure, f"difference-{c.scope}")


def cliques(same: np.ndarray) -> list[tuple[int, int]]:
    """The longest runs (first, last) of ordered rows in which all pairs are the same [n, n], of two rows or more."""
    n = len(same)
    ends = [max(e for e in range(i, n) if same[i : e + 1, i : e + 1].all()) for i in range(n)]
    return [(i, e) for i, e in enumerate(ends) if e > i and (i == 0 or e > ends[i - 1])]


def win_matrix(c: Compared) -> Drawn:
    """The share of data sets on which the row beats the column."""
    import seaborn as sns

    places, names = _block(c)
    won = c.outcomes[np.ix_(places, places)][..., 0] / len(c.tasks)
    size = 2.2 + 0.32 * len(places)
    with style():
        figure, (axis,) = canvas(1, size + 1, size)
        look = {"annot": len(places) <= 15, "fmt": ".2f", "annot_kws": {"size": 7}, "square": True}
        sns.heatmap(
            won, vmin=0, vmax=1, cmap="cividis", mask=np.eye(len(places), dtype=bool), ax=axis,
            xticklabels=names, yticklabels=names, cbar=False, **look,
        )  # fmt: skip
        axis.grid(visible=False)
        axis.set(title=f"Share of data sets won, row over column, {c.scope}")
        caption = "Ties (within half the pooled seed sd) count as won by neither."
        return caption, svg(figure, f"wins-{c.scope}")
