"""Figures of stated effects: one per axis, shared by the effects along it, and one for each other kind of evidence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from diptych.boards.effects import Judge, Judged, Point, health, name
from diptych.boards.figures import PANEL, Drawn, canvas, style, svg
from diptych.boards.frame import Board, Row
from diptych.boards.looks import DASHES, GREY, INK, palette
from diptych.catalog import components
from diptych.effects import Comparison, beside, figure_axis, is_number
from diptych.stages.embed import COLLAPSED_PROJECTION
from diptych.stats import summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from diptych.plan import Cell

BESIDE = ("raw", "random", "supervised")  # controls drawn as lines across
MARKERS = "os^Dvp*X"
CONTEXTS = 4  # lines per method; beyond them the remaining axes are averaged
WIDE_SPAN = 8  # of positive numbers, from which on an axis is logarithmic
NAMED = 12  # points in a panel that carry their names
SPREAD = re.compile(r"std·√d[^\d]*([\d.]+(?:e[+-]\d+)?)")  # in the reason of a collapsed cell


@dataclass(frozen=True)
class Curve:
    """What is joined by one line in a panel."""

    label: str
    row: Row  # gives the colour
    marker: str
    points: list[Point]


@dataclass(frozen=True)
class Panel:
    """A data set with its curves."""

    dataset: str
    metric: str
    curves: list[Curve] = field(default_factory=list)


def plots(board: Board, judged: list[Judged]) -> list[Drawn]:
    """The figures of all effects, in the order in which these are stated."""
    judges = [Judge(board, effect.effect) for effect in judged]
    kinds: dict[tuple[str, str], list[int]] = {}
    for number, judge in enumerate(judges):
        kinds.setdefault(_kind(judge, number), []).append(number)
    drawn = []
    for (kind, _), numbers in kinds.items():
        told = ", ".join(str(number + 1) for number in numbers)
        with style():
            caption, figure = DRAWING[kind]([judges[number] for number in numbers])
            drawn.append(
                (f"Effect{'s' if len(numbers) > 1 else ''} {told}: {caption}", svg(figure, f"effect-{numbers[0]}"))
            )
    return drawn


def _kind(judge: Judge, number: int) -> tuple[str, str]:
    """Which figure shows an effect: effects with the same share it."""
    kind, axis = judge.effect.kind, figure_axis(judge.board.plan, judge.effect)
    if kind in ("collapses", "splits"):
        return kind, ""
    if not axis:
        return "pair", str(number)
    return ("measured" if judge.measured else "axis"), axis


def _panels(judges: list[Judge], make: Callable[[Judge, Comparison], Iterable[Curve]]) -> list[Panel]:
    """The curves of all selections by data set; the same curve stands there once."""
    panels: dict[str, dict[str, Curve]] = {}
    metrics: dict[str, str] = {}
    for judge in judges:
        for comparison in judge.comparisons:
            metrics[comparison.dataset] = judge.metric(comparison)
            own = panels.setdefault(comparison.dataset, {})
            own |= {curve.label: curve for curve in make(judge, comparison) if curve.label not in own}
    return [Panel(dataset, metrics[dataset], [*own.values()]) for dataset, own in panels.items()]


# ---------------------------------------------------------------------- along a parameter


def _along_axis(judges: list[Judge]) -> tuple[str, Figure]:
    """Score over a parameter; mean and sd over seeds."""
    board, axis = judges[0].board, figure_axis(judges[0].board.plan, judges[0].effect)
    panels = _panels(judges, lambda judge, comparison: _curves(judge, comparison, axis))
    figure, axes = canvas(len(panels), *PANEL)
    for panel, ax in zip(panels, axes, strict=True):
        places = _places([point.label for curve in panel.curves for point in curve.points])
        for curve in panel.curves:
            _line(ax, board, curve, [places[point.label] for point in curve.points])
        _ticks(ax, places)
        _controls(ax, board, panel)
        ax.set(title=panel.dataset, xlabel=axis, ylabel=panel.metric)
    _legend(figure, board, panels)
    return f"score over {axis}, mean ± sd over seeds; thin lines across are the controls.", figure


def _curves(judge: Judge, comparison: Comparison, axis: str) -> Iterable[Curve]:
    """One curve per method and setting of its other axes; where these are many, one per method of a selection."""
    plan = judge.board.plan
    for method in dict.fromkeys(cell.method for cell in comparison.cells):
        for number, (label, cells) in enumerate(_labelled(judge, comparison, axis, method=method).items()):
            values = dict.fromkeys(plan.flat(cell)[axis] for cell in cells)
            ordered = sorted(values) if all(map(is_number, values)) else [*values]
            points = [judge.point(x, [cell for cell in cells if plan.flat(cell)[axis] == x]) for x in ordered]
            yield Curve(label, judge.row(cells[0]), MARKERS[number % len(MARKERS)], points)


def _labelled(judge: Judge, comparison: Comparison, axis: str, *, method: str) -> dict[str, list[Cell]]:
    """The cells of each curve of a method."""
    plan, effect = judge.board.plan, judge.effect
    others = _other_axes(judge, [cell for cell in comparison.cells if cell.method == method], axis)
    found: dict[str, list[Cell]] = {}
    for where, side in ((effect.of, comparison.of), (effect.over or {}, comparison.over)):
        own = [c for cells in side.values() for c in cells if c.method == method and axis in plan.flat(c)]
        told = [", ".join(f"{n}={plan.flat(cell)[n]}" for n in others if n in plan.flat(cell)) for cell in own]
        few = len(set(told)) <= CONTEXTS
        for cell, setting in zip(own, told, strict=True):
            label = f"{method} {setting}".strip() if few else name(where | {"method": method})
            found.setdefault(label, []).append(cell)
    return found


def _other_axes(judge: Judge, cells: list[Cell], axis: str) -> list[str]:
    """The parameters that vary among cells at one place of the axis."""
    flat = judge.board.plan.flat
    at = [
        [cell for cell in cells if flat(cell).get(axis) == x] for x in dict.fromkeys(flat(c).get(axis) for c in cells)
    ]
    names = [n for n in judge.board.axes[cells[0].method] if n != axis]
    return [n for n in names if any(len({str(flat(cell).get(n)) for cell in group}) > 1 for group in at)]


def _places(labels: list[str]) -> dict[str, float]:
    """Where each label stands: numbers by size, names (and mixed spans with a zero) at equal steps."""
    unique = [*dict.fromkeys(labels)]
    try:
        found = {label: float(label) for label in unique}
    except ValueError:
        return {label: float(step) for step, label in enumerate(unique)}
    numbers = sorted(found.values())
    if (
        len(numbers) > 2
        and numbers[0] <= 0
        and numbers[-1] >= WIDE_SPAN * min((n for n in numbers if n > 0), default=np.inf)
    ):
        return {label: float(numbers.index(value)) for label, value in found.items()}
    return found


def _ticks(ax: Axes, places: dict[str, float]) -> None:
    from matplotlib.ticker import NullLocator

    if _is_wide(places):
        ax.set_xscale("log", base=2)
        ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks([*places.values()], [*places])


def _is_wide(places: dict[str, float]) -> bool:
    """Whether these are positive numbers, as their labels say, that span a factor of WIDE_SPAN."""
    low, high = min(places.values()), max(places.values())
    return low > 0 and high >= WIDE_SPAN * low


def _line(ax: Axes, board: Board, curve: Curve, places: list[float]) -> None:
    colour, found = palette(board)[str(curve.row)], [summarise(point.values) for point in curve.points]
    mean, sd = np.array([s.mean for s in found]), np.nan_to_num([s.sd for s in found])
    ax.plot(places, mean, marker=curve.marker, ms=4.5, lw=1.5, color=colour)
    ax.fill_between(places, mean - sd, mean + sd, color=colour, alpha=0.14, lw=0)


def _controls(ax: Axes, board: Board, panel: Panel) -> None:
    """What an untrained encoder, the input itself and labels give, as lines across."""
    task = next(task for task in board.rank_tasks() if task.dataset == panel.dataset)
    for method in BESIDE:
        found = board.control(task, method, panel.curves[0].row if panel.curves else None)
        if found.n:
            ax.axhline(found.mean, color=_control_colour(method), ls=DASHES.get(method, "-"), lw=0.9, zorder=1)


def _control_colour(method: str) -> str:
    return INK if method == "supervised" else GREY


def _legend(figure: Figure, board: Board, panels: list[Panel]) -> None:
    """Curves and the controls of this board below the panels."""
    from matplotlib.lines import Line2D

    colours, curves = palette(board), {curve.label: curve for panel in panels for curve in panel.curves}
    handles = [
        Line2D([], [], color=colours[str(c.row)], marker=c.marker, ms=4.5, lw=1.5, label=c.label)
        for c in curves.values()
    ]
    present = set(board.cells["method"])
    for method in (m for m in BESIDE if m in present):
        handles.append(Line2D([], [], color=_control_colour(method), ls=DASHES.get(method, "-"), lw=0.9, label=method))
    _place(figure, handles)


def _place(figure: Figure, handles: list[Any]) -> None:
    figure.set_figwidth(max(figure.get_figwidth(), 1.6 * PANEL[0]))
    longest = max((len(str(handle.get_label())) for handle in handles), default=1)
    columns = max(1, int(figure.get_figwidth() * 12 / (longest + 8)))  # about 12 letters to an inch
    figure.set_figheight(figure.get_figheight() + 0.2 * -(-len(handles) // columns))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(columns, len(handles)), handlelength=2.6)


# ---------------------------------------------------------------------- along what was measured


def _along_measured(judges: list[Judge]) -> tuple[str, Figure]:
    """Score against a health metric, a mark for each configuration, joined in the order of the metric."""
    board, axis = judges[0].board, str(judges[0].effect.along)
    panels, places = _panels(judges, _measured_curves), health(board, axis)
    figure, axes = canvas(len(panels), 1.3 * PANEL[0], 1.2 * PANEL[1])
    for panel, ax in zip(panels, axes, strict=True):
        for curve in panel.curves:
            _scatter(ax, judges[0], curve, places)
        _controls(ax, board, panel)
        ax.set(title=panel.dataset, xlabel=axis, ylabel=panel.metric)
        ax.margins(0.12)
    _legend(figure, board, panels)
    limits = components("metrics")[axis].attributes["chance"]
    return f"each mark is a configuration, mean ± sd over seeds, joined in the order of {axis} ({limits}).", figure


def _measured_curves(judge: Judge, comparison: Comparison) -> Iterable[Curve]:
    for method in dict.fromkeys(cell.method for cell in comparison.cells):
        own = {config: cells for config, cells in comparison.of.items() if cells[0].method == method}
        points = judge.points(own)
        yield Curve(method, judge.row(points[0].cells[0]), MARKERS[0], points)


def _scatter(ax: Axes, judge: Judge, curve: Curve, places: dict[str, float]) -> None:
    colour = palette(judge.board)[str(curve.row)]
    across = [summarise(places.get(cell.path, np.nan) for cell in point.cells) for point in curve.points]
    up = [summarise(point.values) for point in curve.points]
    errors = [np.nan_to_num([s.sd for s in found]) for found in (across, up)]
    x, y = ([s.mean for s in found] for found in (across, up))
    ax.errorbar(x, y, xerr=errors[0], yerr=errors[1], fmt="-o", ms=5, lw=1, color=colour, elinewidth=0.8)
    settings = [judge.row(point.cells[0]).config.split(", ") for point in curve.points]
    shared = set.intersection(*map(set, settings))
    for own, place in zip(settings, zip(x, y, strict=True), strict=True):
        if len(settings) <= NAMED and np.isfinite(place).all():
            told = ", ".join(setting.partition("=")[2] for setting in own if setting not in shared)
            ax.annotate(told, place, xytext=(4, 4), textcoords="offset points", fontsize=6.5)


# ---------------------------------------------------------------------- without an axis


def _pairs(judges: list[Judge]) -> tuple[str, Figure]:
    """Two selections side by side, a thin line for each seed."""
    (judge,) = judges
    figure, axes = canvas(len(judge.comparisons), *PANEL)
    for comparison, ax in zip(judge.comparisons, axes, strict=True):
        sides = [("over", comparison.over), ("of", comparison.of)]
        points = [judge.point(label, cells) for label, side in sides for cells in side.values()]
        values = np.stack([point.values for point in points])  # [2, seeds]
        ax.plot([0, 1], values, color=GREY, lw=0.8)
        for x, point in enumerate(points):
            found, colour = summarise(point.values), palette(judge.board)[str(judge.row(point.cells[0]))]
            ax.errorbar(x, found.mean, yerr=np.nan_to_num(found.sd), fmt="o", ms=7, color=colour)
        # One line lower, so that long names do not run into each other.
        ax.set_xticks([0, 1], [name(judge.effect.over or {}), f"\n{name(judge.effect.of)}"])
        title = "" if beside(judge.effect) else comparison.dataset
        ax.set(title=title, ylabel=judge.metric(comparison), xlim=(-0.4, 1.4))
    return "a thin line for each seed; marks are mean ± sd over seeds, other axes averaged.", figure


def _losses(judges: list[Judge]) -> tuple[str, Figure]:
    """Score against training loss: a colour for each configuration, a marker for each encoder."""
    from matplotlib.lines import Line2D

    judge, handles = judges[0], {}
    drawn = {c.dataset: c for one in judges for c in one.comparisons}
    figure, axes = canvas(len(drawn), *PANEL)
    for comparison, ax in zip(drawn.values(), axes, strict=True):
        for cells in comparison.of.values():
            row, encoder = judge.row(cells[0]), _encoder(judge, cells[0])
            look = {
                "color": palette(judge.board)[str(row)],
                "marker": MARKERS[_encoders(judge).index(encoder) % len(MARKERS)],
            }
            ax.plot(
                [judge.loss(c) for c in cells], [judge.score(c) for c in cells], ls="none", ms=5.5, alpha=0.8, **look
            )
            handles[str(row)] = Line2D([], [], ls="none", label=str(row), **look)
        ax.set(
            title=comparison.dataset, xlabel="training loss (last tenth of the steps)", ylabel=judge.metric(comparison)
        )
    _place(figure, [*handles.values()])
    return "each mark is a seed, a colour a configuration, a form an encoder.", figure


def _encoder(judge: Judge, cell: Cell) -> str:
    return str(judge.board.plan.flat(cell).get("encoder.name", ""))


def _encoders(judge: Judge) -> list[str]:
    return [*dict.fromkeys(_encoder(judge, cell) for cell in judge.board.plan.cells)]


# ---------------------------------------------------------------------- collapse


def _collapse(judges: list[Judge]) -> tuple[str, Figure]:
    """Spread of the projections of every row that a claim of collapse is about."""
    board, panels = judges[0].board, _union([c for judge in judges for c in judge.comparisons])
    spread, status = _spread(board), dict(zip(board.cells["cell"], board.cells["status"], strict=True))
    most = max(len({judges[0].row(cell) for cell in cells}) for cells in panels.values())
    figure, axes = canvas(len(panels), 1.6 * PANEL[0], 0.9 + 0.26 * most, columns=2)
    for (dataset, cells), ax in zip(panels.items(), axes, strict=True):
        rows = sorted({judges[0].row(cell) for cell in cells}, reverse=True)
        for cell in (cell for cell in cells if np.isfinite(spread.get(cell.path, np.nan))):
            row, fell = judges[0].row(cell), status[cell.path] == "collapsed"
            look = {"marker": "x" if fell else "o", "color": palette(board)[str(row)]}
            ax.plot(spread[cell.path], rows.index(row), ls="none", ms=6, clip_on=False, **look)
        ax.axvline(COLLAPSED_PROJECTION, color=INK, lw=0.8, ls=":")
        ax.set_yticks(range(len(rows)), [str(row) for row in rows])
        ax.set(title=dataset, xlabel="std ratio of the projections", xlim=(0, None), ylim=(-0.6, len(rows) - 0.4))
    caption = (
        "a mark is a seed, a cross a collapsed cell (std ratio: 1 is spread over the sphere, 0 one point). Left of the "
        "dotted limit a cell counts as collapsed; so it does right of it where its projections lie on a line."
    )
    hidden = sum(cell.path not in spread for cells in panels.values() for cell in cells)
    caption += f" Without a number, so not drawn: {hidden} cells." if hidden else ""
    return caption, figure


def _union(found: list[Comparison]) -> dict[str, list[Cell]]:
    panels: dict[str, dict[Cell, None]] = {}
    for comparison in found:
        panels.setdefault(comparison.dataset, {}).update(dict.fromkeys(comparison.cells))
    return {dataset: [*cells] for dataset, cells in panels.items()}


def _spread(board: Board) -> dict[str, float]:
    """std_ratio of every cell that has one; a collapsed cell has no embeddings, only the number in its reason."""
    found = health(board, "std_ratio")
    for cell, reason in zip(board.cells["cell"], board.cells["reason"], strict=True):
        if told := SPREAD.search(str(reason)):
            found[str(cell)] = float(told[1])
    return found


DRAWING: dict[str, Callable[[list[Judge]], tuple[str, Figure]]] = {
    "axis": _along_axis,
    "measured": _along_measured,
    "pair": _pairs,
    "collapses": _collapse,
    "splits": _losses,
}
