"""Figures of a board as inline SVG that takes its ink from the page, so that it reads in light and in dark."""

from __future__ import annotations

import io
import json
import re
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diptych.boards.damage import Curve
from diptych.boards.frame import GRID_POINT, METHODS, RANKED, Board, Row
from diptych.boards.looks import GREY, INK, dash, mark, palette
from diptych.boards.ranking import Standing, task_ranks, task_shares
from diptych.catalog import components

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = 6  # ranked rows drawn in one panel; the best by area
PANELS = 3  # per line
NAME = 34  # characters of a row in a line of an axis
PANEL = (3.3, 2.6)  # inches
LINE = 0.2  # inches of an entry of a legend
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "diptych",
    "text.parse_math": False,  # names are names, also with a dollar sign
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.grid": True,
    "grid.alpha": 0.35,
    "grid.color": GREY,
    "grid.linewidth": 0.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
    **{f"{part}.color": INK for part in ("text", "xtick", "ytick")},
    **{f"axes.{part}color": INK for part in ("edge", "label", "title")},
}
Drawn = tuple[str, str]  # caption and SVG


@contextmanager
def style() -> Iterator[None]:
    """The look of every figure, while one is drawn."""
    import matplotlib as mpl

    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)  # the browser has it
        yield


def canvas(panels: int, width: float, height: float, columns: int = PANELS) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels of a size in inches, and their axes."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    wide = min(panels, columns)
    tall = -(-panels // wide)
    figure = Figure(figsize=(wide * width, tall * height), layout=ConstrainedLayoutEngine(h_pad=0.08))
    axes = figure.subplots(tall, wide, squeeze=False).ravel().tolist()
    for empty in axes[panels:]:
        empty.remove()
    return figure, axes[:panels]


def svg(figure: Figure, name: str) -> str:
    """The figure as an <svg> element: its ink is the surrounding text's colour, its ids are its own on the page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    own = re.sub(r"\W", "-", name)
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{own}-", text)


def standing_plot(board: Board, standings: list[Standing]) -> Drawn:
    """Ranks (left) and, where they are defined, shares (right): small marks are data sets, large ones the mean."""
    rows, tasks = [s for s in standings if s.scored and s.role != GRID_POINT], board.rank_tasks()
    drawn = {s.row for s in rows}
    places = [(str(row), rank) for task in tasks for row, rank in task_ranks(board, task).items() if row in drawn]
    parts = [(row, part) for task in tasks for row, part in task_shares(board, task).items() if row in drawn]
    shares = [(str(row), part) for row, part in parts if np.isfinite(part)]
    with style():
        lines = sum(_wrapped(str(s.row)).count("\n") for s in rows)  # beyond the first of each
        figure, axes = canvas(2 if shares else 1, 4.6, 1.1 + 0.3 * len(rows) + 0.12 * lines)
        _strip(axes[0], board, rows, pd.DataFrame(places, columns=["row", "rank"]))
        axes[0].set(title="Rank on each data set\n(1 is best)", xlim=(0.6, None))
        if shares:
            _strip(axes[1], board, rows, pd.DataFrame(shares, columns=["row", "share"]))
            axes[1].set(title="Share\n(random 0, supervised 1)", yticklabels=[])
            for mark in (0, 1):
                axes[1].axvline(mark, color=INK, lw=0.8, ls=":")
        caption = (
            "Small marks: data sets; diamonds: their mean (open: controls). A row without a score takes the last rank"
            f"{'; a share between controls that lie too close is left out' if shares else ''}."
        )
        return caption, svg(figure, "standing")


def _wrapped(row: str) -> str:
    return textwrap.fill(row, NAME, break_long_words=False)


def _strip(axis: Axes, board: Board, rows: list[Standing], data: pd.DataFrame) -> None:
    """Values of each row (second column) along x, and their mean."""
    import seaborn as sns

    order, value, colours = [str(s.row) for s in rows], data.columns[1], palette(board)
    options = {"order": order, "hue_order": order, "legend": False, "size": 4, "alpha": 0.55, "jitter": False}
    sns.stripplot(data, x=value, y="row", hue="row", palette=colours, ax=axis, **options)
    axis.set_yticks(range(len(order)), [_wrapped(row) for row in order])
    axis.set_ylim(len(order) - 0.5, -0.5)  # the same for both panels, also where a row has no share
    means = data.groupby("row")[value].mean()
    for place, standing in enumerate(rows):
        colour = colours[str(standing.row)]
        fill = colour if standing.role == RANKED else "none"
        axis.plot(means.get(str(standing.row), np.nan), place, "D", ms=8, mfc=fill, mec=colour, mew=1.6, zorder=5)
    axis.set(ylabel="")


def robustness_plot(board: Board, curves: list[Curve], corruption: str) -> Drawn | None:
    """One panel per data set: score over severity, mean and sd over seeds."""
    chosen = [curve for curve in curves if curve.corruption == corruption]
    tasks = list(dict.fromkeys(curve.task for curve in chosen))
    if not tasks:
        return None
    drawn = {task: _drawn(board, [curve for curve in chosen if curve.task == task]) for task in tasks}
    colours = palette(board)
    with style():
        figure, axes = canvas(len(tasks), *PANEL)
        for axis, (task, lines) in zip(axes, drawn.items(), strict=True):
            for curve in lines:
                _line(axis, curve, colours[str(curve.row)], dash(board, curve.row))
            axis.set(title=str(task), ylabel=board.metric(task), xlabel=_severity(corruption))
        legend(figure, board, [curve.row for lines in drawn.values() for curve in lines])
        about = f"{corruption}{_meaning(corruption)}"
        caption = f"{about} Bands are ± sd over seeds; of the methods, the {LINES} rows with the largest area."
        caption += _seen(chosen)
        return caption, svg(figure, f"robustness-{corruption}")


def _severity(corruption: str) -> str:
    """What the axis of a corruption measures, if it says so."""
    found = components("corruptions").get(corruption)
    return str((found.attributes.get("axis") if found else "") or f"severity of {corruption}")


def _meaning(corruption: str) -> str:
    """What a corruption does, by its first word where the curve says when: "… before pretraining"."""
    found = components("corruptions").get(corruption.partition(" ")[0])
    return f": {found.summary}" if found else "."


def _seen(curves: list[Curve]) -> str:
    """Whose training views resemble the corruption."""
    seen = ", ".join(dict.fromkeys(curve.row.method for curve in curves if curve.seen))
    return f" Trained on views that resemble it, which is an advantage: {seen}." if seen else ""


def _drawn(board: Board, curves: list[Curve]) -> list[Curve]:
    """The methods with the largest area, and all controls."""
    methods = [c for c in curves if board.role(c.row) in METHODS]
    methods.sort(key=lambda curve: -np.nan_to_num(curve.area.mean, nan=-np.inf))
    return methods[:LINES] + [c for c in curves if board.role(c.row) not in METHODS]


def _line(axis: Axes, curve: Curve, colour: Any, stroke: Any) -> None:
    points = curve.points
    severity = np.array(list(points))
    mean, sd = (np.array([getattr(s, name) for s in points.values()]) for name in ("mean", "sd"))
    axis.plot(severity, mean, color=colour, ls=stroke, lw=1.6)
    axis.fill_between(severity, mean - np.nan_to_num(sd), mean + np.nan_to_num(sd), color=colour, alpha=0.12, lw=0)


def legend(figure: Figure, board: Board, rows: list[Row], lines: bool = True) -> None:
    """Which look is which row: beside few panels, below many; rows of a method that look the same are one entry."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=label, **look) for label, look in _looks(board, rows, lines)]
    if figure.get_figwidth() < 2 * PANEL[0]:
        figure.set_figwidth(2 * PANEL[0])
        figure.set_figheight(max(figure.get_figheight(), LINE * (len(handles) + 1)))
        figure.legend(handles=handles, loc="outside right upper", handlelength=2.6)
    else:
        columns = 5 if max(len(str(handle.get_label())) for handle in handles) < 20 else 3
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), columns), handlelength=2.6)


def _looks(board: Board, rows: list[Row], lines: bool) -> list[tuple[str, dict[str, Any]]]:
    """Label and look of every entry of a legend."""
    colours, found = palette(board), dict[tuple[str, str], tuple[list[Row], dict[str, Any]]]()
    for row in dict.fromkeys(rows):
        colour = colours[str(row)]
        fill = colour if board.role(row) in METHODS else "none"
        points = {"marker": mark(board, row), "mfc": fill, "ls": "none"}
        look = {"color": colour, **({"ls": dash(board, row)} if lines else points)}
        found.setdefault((row.method, repr(look)), ([], look))[0].append(row)
    labels = [str(own[0]) if len(own) == 1 else f"{own[0].method} ({len(own)} rows)" for own, _ in found.values()]
    return [(label, look) for label, (_, look) in zip(labels, found.values(), strict=True)]


def grid_plots(board: Board) -> list[Drawn]:
    """For each method with at least two axes: mean score over the first two, one panel per data set."""
    wide = {method: names[:2] for method, names in board.axes.items() if len(names) >= 2}
    return [drawn for method, names in wide.items() if (drawn := _grid(board, method, names))]


def _grid(board: Board, method: str, names: list[str]) -> Drawn | None:
    import seaborn as sns

    scores = board.scores[board.scores["method"] == method]
    params = scores["params"].map(json.loads)
    scores = scores.assign(**{name: params.map(lambda p, name=name: p.get(name, "–")) for name in names})
    tasks = list(dict.fromkeys(scores["task"]))
    if not tasks:
        return None
    with style():
        figure, axes = canvas(len(tasks), *PANEL)
        for axis, task in zip(axes, tasks, strict=True):
            own = scores[scores["task"] == task]
            table = own.pivot_table(index=names[0], columns=names[1], values="value")
            table = table.sort_index(key=_numeric).sort_index(axis=1, key=_numeric)
            sns.heatmap(table, annot=True, fmt=".3f", cmap="viridis", ax=axis, cbar=False, annot_kws={"size": 8})
            axis.set(title=f"{task}: {board.metric(task)}")
            axis.grid(visible=False)
        caption = (
            f"{method}: mean over seeds and over every other axis. Best on test, shown to look at, not to choose by."
        )
        return caption, svg(figure, f"grid-{method}")


def _numeric(index: pd.Index[Any]) -> pd.Index[Any]:
    """A sort key: numbers by their size, anything else as text."""
    try:
        return index.astype(float)
    except ValueError:
        return index
