"""Learning curves of a method: the loss over the steps of pretraining."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diptych.boards.figures import PANEL, Drawn, canvas, legend, style, svg
from diptych.boards.frame import Board, Row, Task, groups, lines
from diptych.boards.looks import dash, palette
from diptych.records import read_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from diptych.plan import CellFiles

POINTS = 120  # of a curve
Curves = dict[Task, list[tuple[Row, pd.DataFrame]]]


def plot(board: Board, method: str) -> Drawn | None:
    """One panel per data set, a line per cell; None for a method that trains nothing."""
    curves = _curves(board, method)
    if not curves:
        return None
    rows = list(dict.fromkeys(row for part in curves.values() for row, _ in part))
    with style():
        figure, axes = canvas(len(curves), *PANEL)
        for axis, (task, part) in zip(axes, curves.items(), strict=True):
            _panel(axis, board, task, part)
        if len(rows) > 1:
            legend(figure, board, rows)
        return "Loss of the training batches over steps; a line per seed.", svg(figure, f"learning-{method}")


def _panel(axis: Axes, board: Board, task: Task, curves: list[tuple[Row, pd.DataFrame]]) -> None:
    colours: dict[str, Any] = palette(board)
    for row, history in curves:
        axis.plot(history["step"], history["loss"], color=colours[str(row)], ls=dash(board, row), lw=1, alpha=0.8)
    axis.set(title=str(task), xlabel="step", ylabel="loss")


def _curves(board: Board, method: str) -> Curves:
    """The curves of all cells whose history is there, thinned."""
    files: dict[str, CellFiles] = {cell.path: board.plan.files(cell) for cell in board.plan.cells}
    found: Curves = {}
    for task, part in groups(board.cells[board.cells["method"] == method], "task"):
        kept = [(r.row, files[r.cell].history) for r in lines(part) if files[r.cell].history.is_file()]
        curves = [(row, _thin(read_table(path))) for row, path in kept]
        if shown := [(row, curve) for row, curve in curves if len(curve)]:
            found[task] = shown
    return found


def _thin(history: pd.DataFrame) -> pd.DataFrame:
    finite = history[np.isfinite(history["loss"].astype(float))]
    kept = np.unique(np.linspace(0, len(finite) - 1, min(len(finite), POINTS)).round().astype(int))
    return finite.iloc[kept]
