"""Score against cost: what each method reaches, and which of them are not worth their seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from diptych.boards.figures import PANEL, Drawn, canvas, legend, style, svg
from diptych.boards.frame import RANKED, Board, Row, Task, groups, higher_is_better
from diptych.boards.looks import GREY, mark, palette
from diptych.stats import Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOTHING = 0.01  # seconds at which a log axis shows what trains nothing


def plot(board: Board) -> Drawn | None:
    """Score against seconds of pretraining, one panel per data set."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    scored = {task: [r for r in board.planned(task) if board.summaries[task, r].n] for task in board.tasks}
    scored = {task: rows for task, rows in scored.items() if rows}
    if not scored:
        return None
    seconds = {key: float(part["seconds"].mean()) for key, part in groups(board.cells, "task", "row")}
    with style():
        figure, axes = canvas(len(scored), *PANEL)
        for axis, (task, rows) in zip(axes, scored.items(), strict=True):
            spent = {row: max(seconds[task, board.behind(task, row)], NOTHING) for row in rows}
            for row in rows:
                _point(axis, board, row, spent[row], board.summaries[task, row])
            _frontier(axis, board, task, spent)
            axis.set(xscale="log", title=str(task), ylabel=board.metric(task), xlabel="seconds of pretraining")
            axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
            axis.xaxis.set_minor_locator(NullLocator())
            axis.margins(x=0.1, y=0.15)
        legend(figure, board, [row for rows in scored.values() for row in rows], lines=False)
        caption = (
            "Mean over seeds, bars are ± sd. Controls are open; what trains nothing stands at the left. "
            "Grey steps: the methods that no other method beats at the same cost or less."
        )
        return caption, svg(figure, "cost")


def _frontier(axis: Axes, board: Board, task: Task, seconds: dict[Row, float]) -> None:
    """The best score of a method for at most so many seconds, as steps from the cheapest to the dearest."""
    sign = 1.0 if higher_is_better(board.metric(task)) else -1.0
    points = sorted(
        (seconds[row], -sign * board.summaries[task, row].mean) for row in seconds if board.role(row) == RANKED
    )
    if not points:
        return
    cost, best = np.array(points).T
    best = -sign * np.minimum.accumulate(best)
    ends = np.append(cost, max(seconds.values()))
    axis.step(ends, np.append(best, best[-1]), where="post", color=GREY, lw=1.2, zorder=0)


def _point(axis: Axes, board: Board, row: Row, seconds: float, score: Summary) -> None:
    colour = palette(board)[str(row)]
    fill = colour if row in board.methods else "none"
    look = {"fmt": mark(board, row), "ms": 6, "lw": 1, "color": colour, "mfc": fill}
    axis.errorbar(seconds, score.mean, yerr=np.nan_to_num(score.sd), **look)
