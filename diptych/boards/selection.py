"""Which point of a grid stands for its method: the default one, and the one that held-out training rows choose.

A method with several points on a task enters rankings with exactly two rows, each made task by task; the points
themselves are shown and not ranked. Test scores of points are never looked at to choose one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from diptych.boards import links
from diptych.boards.frame import RANKED, Board, Row, Task, groups, higher_is_better
from diptych.scoring import VALIDATION
from diptych.stats import Summary, summarise

if TYPE_CHECKING:
    from diptych.boards.tables import Table

DEFAULT, FIRST = "default config", "default config, else the first"


@dataclass(frozen=True)
class Choice:
    """The point whose cells stand for a row of a method on a task."""

    task: Task
    row: Row  # named by its rule
    point: Row | None  # None: no point has a validation score
    points: tuple[Row, ...]  # all that were tried


def choose(board: Board) -> list[Choice]:
    """The default point and the best one by validation, of every method with a grid, on each of its tasks."""
    grids, scores = _grids(board), _validation(board)
    return [
        choice
        for method, points in grids.items()
        for choice in (*_default(board, method, points), *_best(method, points, scores))
    ]


def _grids(board: Board) -> dict[str, dict[Task, list[Row]]]:
    """The points of each method that has several on some task, in the order of the benchmark file."""
    found: dict[str, dict[Task, list[Row]]] = {}
    for (method, task), part in groups(board.cells[board.cells["role"] == RANKED], "method", "task"):
        found.setdefault(str(method), {})[task] = list(dict.fromkeys(part["row"]))
    return {method: tasks for method, tasks in found.items() if any(len(points) > 1 for points in tasks.values())}


def _validation(board: Board) -> dict[tuple[Task, Row], Summary]:
    """The validation score of each point, by the probe that ranks."""
    own = board.clean[(board.clean["probe"] == board.probe) & (board.clean["metric"] == VALIDATION)]
    return {key: summarise(part["value"]) for key, part in groups(own, "task", "row")}


def _default(board: Board, method: str, grid: dict[Task, list[Row]]) -> Iterator[Choice]:
    """The point that would run if the file gave the method no grid, else the first that the file names."""
    equal = {task: _usual(board, task, points) for task, points in grid.items()}
    name = Row(method, DEFAULT if all(equal.values()) else FIRST)
    for task, points in grid.items():
        yield Choice(task, name, equal[task] or points[0], tuple(points))


def _usual(board: Board, task: Task, points: list[Row]) -> Row | None:
    usual = board.plan.default(task.dataset, points[0].method)
    axes = board.axes[points[0].method]
    return next((row for row in points if _alike(board.point(task, row), usual, axes)), None)


def _alike(point: dict[str, Any], usual: dict[str, Any], axes: list[str]) -> bool:
    """The same on every axis that the point has; tracked parameters are text."""
    return all(str(point[name]) == str(usual.get(name)) for name in axes if name in point)


def _best(method: str, grid: dict[Task, list[Row]], scores: dict[tuple[Task, Row], Summary]) -> Iterator[Choice]:
    """The best mean over seeds; no row at all where no task has a validation score to choose by."""
    tried = sorted({len(points) for points in grid.values()})
    among = f"{tried[0]}" if len(tried) == 1 else f"{tried[0]}–{tried[-1]}"
    if any((task, row) in scores for task, points in grid.items() for row in points):
        for task, points in grid.items():
            yield Choice(
                task, Row(method, f"best of {among} by validation"), _winner(task, points, scores), tuple(points)
            )


def _winner(task: Task, points: list[Row], scores: dict[tuple[Task, Row], Summary]) -> Row | None:
    """Among the points with the most seeds, so that failing never helps; of equal ones the first."""
    found = {row: scores[task, row] for row in points if (task, row) in scores and scores[task, row].n}
    return max(found, key=lambda row: (found[row].n, found[row].mean), default=None)


# ---------------------------------------------------------------------- what was chosen, to look at


def feed(board: Board) -> list[dict[str, Any]]:
    """One line per choice; the best point on test is an oracle: it is told, and ranks nowhere."""
    scores = _validation(board)
    return [_line(board, choice, scores) for choice in board.choices]


def _line(board: Board, choice: Choice, scores: dict[tuple[Task, Row], Summary]) -> dict[str, Any]:
    task, point = choice.task, choice.point
    sign = 1.0 if higher_is_better(board.metric(task)) else -1.0
    means = [board.summaries[task, row].mean for row in choice.points]
    known = [mean for mean in means if np.isfinite(mean)]
    held_out = scores.get((task, point)) if point else None
    return {
        "dataset": task.dataset,
        "condition": task.condition,
        "method": choice.row.method,
        "rule": choice.row.config,
        "tried": len(choice.points),
        "chosen": point.config if point else None,
        "validation": held_out.mean if held_out else None,
        "metric": board.metric(task),
        "test": board.summaries[task, choice.row].mean,
        "oracle": sign * max(sign * mean for mean in known) if known else None,
    }


def table(board: Board) -> Table:
    """Every choice, with the score that chose it, the score that ranks, and the oracle."""
    from diptych.boards.tables import Entry, Table, number, task_entry

    rows = [
        (
            task_entry(Task(line["dataset"], line["condition"]), line["metric"]),
            Entry(line["method"], below=line["rule"], kind="name", link=links.method_page(line["method"])),
            Entry(str(line["tried"]), kind="number"),
            Entry("none: no validation score" if line["chosen"] is None else line["chosen"] or "the only one"),
            *(Entry("–" if line[name] is None else number(line[name]), kind="number") for name in SCORES),
        )
        for line in feed(board)
    ]
    headings = [Entry(name, title=title, kind="number") for name, title in SCORES.items()]
    tried = Entry("tried", title="configurations to choose from", kind="number")
    return Table((Entry("data set"), Entry("row"), tried, Entry("chosen"), *headings), tuple(rows))


SCORES = {
    "validation": "mean score of held-out training rows over seeds: the only one that chooses",
    "test": "the score by which the row is ranked",
    "oracle": "the best configuration on test: to look at, never ranked",
}
