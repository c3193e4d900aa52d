"""Maps of embeddings: test rows on their first two principal components, coloured by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from diptych.boards.figures import Drawn, canvas, style, svg
from diptych.boards.frame import Board, Row, Task
from diptych.boards.looks import GREY, hues
from diptych.boards.tables import best_row
from diptych.records import read_npz

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from diptych.plan import Cell

ROWS = 1000  # test rows that are drawn
MARKS = "os^Dv<>Ph"  # beside its colour, a class has a mark
SIZE = (4.2, 3.6)  # inches
Points = tuple[np.ndarray, np.ndarray, float]  # [n, 2], class of each [n], share of the variance that is shown


def plot(board: Board, task: Task, classes: tuple[str, ...]) -> Drawn | None:
    """The best row and raw features side by side, the first seed of each; None where no embeddings are kept."""
    found = {row: points for row in _rows(board, task) if (points := _points(board, task, row)) is not None}
    if not found:
        return None
    with style():
        figure, axes = canvas(len(found), *SIZE)
        for axis, (row, points) in zip(axes, found.items(), strict=True):
            _scatter(axis, points, classes)
            axis.set_title(f"{row}\n{points[2]:.0%} of the variance")
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=4, markerscale=1.4)
        caption = (
            f"At most {ROWS:,} test rows on the first two principal components of their embeddings, first seed. "
            "Distances that two components do not show may still separate classes."
        )
        return caption, svg(figure, f"map-{task}")


def _rows(board: Board, task: Task) -> list[Row]:
    best = best_row(board, task)
    return ([best] if best else []) + [row for row in board.planned(task) if row.method == "raw"][:1]


def _points(board: Board, task: Task, row: Row) -> Points | None:
    """Principal components of the ranked embedding of test rows."""
    from sklearn.decomposition import PCA

    shown = (board.cells["task"] == task) & (board.cells["row"] == board.behind(task, row))
    own = board.cells[shown & (board.cells["status"] == "ok")]
    if not len(own):
        return None
    first = own.iloc[0]
    arrays = _arrays(board, first["cell"])
    if not {first["embedding"], "split", "label"} <= arrays.keys():
        return None
    test = np.flatnonzero(arrays["split"] == 1)[:ROWS]
    z = np.nan_to_num(arrays[first["embedding"]][test].reshape(len(test), -1).astype(np.float64))  # [n, d]
    if min(z.shape) < 2 or not z.std():
        return None
    pca = PCA(2, random_state=0).fit(z)
    return pca.transform(z), arrays["label"][test], float(pca.explained_variance_ratio_.sum())


def _arrays(board: Board, path: str) -> dict[str, np.ndarray]:
    cell: Cell = next(cell for cell in board.plan.cells if cell.path == path)
    file = board.plan.files(cell).embeddings
    return read_npz(file) if file.is_file() else {}


def _scatter(axis: Axes, points: Points, classes: tuple[str, ...]) -> None:
    """The most frequent classes in colours of their own; the others are grey."""
    xy, label, _ = points
    present, counts = np.unique(label, return_counts=True)
    shown = sorted(present[np.argsort(-counts, kind="stable")][: len(MARKS)].tolist())
    look: Any = {"s": 14, "alpha": 0.75, "linewidths": 0, "rasterized": True}
    if len(other := np.flatnonzero(~np.isin(label, shown))):
        axis.scatter(*xy[other].T, color=GREY, label="other classes", **look)
    for mark, colour, code in zip(MARKS, hues(), shown, strict=False):
        name = classes[code] if code < len(classes) else str(code)
        axis.scatter(*xy[label == code].T, color=[colour], marker=mark, label=name, **look)
    axis.set(xticks=[], yticks=[])
