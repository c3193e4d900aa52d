"""Native handling of missing values against imputation: one method, one task, the same masks, with and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from diptych.boards import links
from diptych.boards.damage import Curve
from diptych.boards.frame import Board, Row, Task, groups, higher_is_better, label
from diptych.boards.tables import Entry, Table, name_entry, number, score_entry, spread, task_entry
from diptych.catalog import components
from diptych.imputers import NONE
from diptych.stats import Summary, summarise

AXIS = "impute"


@dataclass(frozen=True)
class Compared:
    """A method on a task under every imputer that it ran with."""

    task: Task
    damage: str  # a corruption at probe time, whose area under the curve is compared; empty: the score
    row: Row  # without its imputer
    native: Row  # the same as it was planned, without imputation
    metric: str
    scores: dict[str, Summary]  # by imputer; `none` is how the method meets missing values itself
    gains: dict[str, Summary]  # imputed minus native, seed by seed

    @property
    def missing(self) -> str:
        """What the method does without an imputer."""
        return str(components("methods")[self.row.method].attributes["missing"])

    @property
    def best(self) -> float:
        """The best mean of all."""
        means = [summary.mean for summary in self.scores.values() if summary.n]
        return (max if higher_is_better(self.metric) else min)(means, default=float("nan"))


def compare(board: Board, curves: list[Curve]) -> list[Compared]:
    """Wherever a method ran with an imputer and without and its scores differ; where nothing is missing, they do not.

    `curves` are those of damage at probe time.
    """
    known = _imputers(board)
    native = {bare: row for row, (bare, imputer) in known.items() if imputer == NONE}
    found: dict[tuple[Task, str, Row], dict[str, pd.Series[float]]] = {}
    for task, damage, row, values in _by_seed(board, curves):
        if row in known:
            bare, imputer = known[row]
            found.setdefault((task, damage, bare), {})[imputer] = values
    order = {task: place for place, task in enumerate(board.tasks)}
    pairs = sorted(found.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    return [
        _compared(Compared(task, damage, bare, native[bare], board.metric(task), {}, {}), values)
        for (task, damage, bare), values in pairs
        if _differ(values)
    ]


def _imputers(board: Board) -> dict[Row, tuple[Row, str]]:
    """The row without its imputer, and the imputer, of each row that has one (or `none`)."""
    found = {}
    for row, text in zip(board.cells["row"], board.cells["params"], strict=True):
        point = json.loads(text)
        axes = [name for name in board.axes[row.method] if name != AXIS]
        if AXIS in point:
            found[row] = Row(row.method, label(point, axes)), str(point[AXIS])
    return found


def _by_seed(board: Board, curves: list[Curve]) -> Iterator[tuple[Task, str, Row, pd.Series[float]]]:
    """The score that ranks of each row, and its area under each damage of inputs at probe time, by seed."""
    for (task, row), part in groups(board.scores, "task", "row"):
        yield task, "", row, part.set_index("seed")["value"]
    inputs = [name for name, c in components("corruptions").items() if c.attributes["target"] == "input"]
    for curve in (curve for curve in curves if curve.corruption in inputs):
        yield curve.task, curve.corruption, curve.row, curve.areas


def _differ(values: dict[str, pd.Series[float]]) -> bool:
    own = values.get(NONE)
    return own is not None and any(not own.equals(other.reindex(own.index)) for other in values.values())


def _compared(place: Compared, values: dict[str, pd.Series[float]]) -> Compared:
    scores = {imputer: summarise(by_seed) for imputer, by_seed in values.items()}
    gains = {imputer: summarise(by_seed - values[NONE]) for imputer, by_seed in values.items() if imputer != NONE}
    return replace(place, scores=scores, gains=gains)


def table(board: Board, found: list[Compared]) -> Table:
    """One line per comparison; below an imputed score what imputation gained, seed by seed."""
    imputers = list(dict.fromkeys([NONE, *(imputer for line in found for imputer in line.scores)]))
    rows = [
        (
            task_entry(line.task, f"area under {line.damage} at probe time" if line.damage else ""),
            replace(name_entry(board, line.native), below=line.row.config),
            Entry(line.metric, kind="number muted"),
            *(_score(line, imputer) for imputer in imputers),
        )
        for line in found
    ]
    headings = [Entry("native" if name == NONE else name, title=_title(name), kind="number") for name in imputers]
    return Table((Entry("data set"), Entry("method"), Entry("metric", kind="number"), *headings), tuple(rows))


def _title(imputer: str) -> str:
    own = "missing values reach the method as NaN; below, what it does with them"
    return own if imputer == NONE else components("imputers")[imputer].summary


def _score(line: Compared, imputer: str) -> Entry:
    if imputer not in line.scores:
        return Entry("–", kind="number")
    summary = line.scores[imputer]
    entry = score_entry(summary, summary.mean == line.best, links.cells(line.task, line.row))
    below = line.missing if imputer == NONE else _signed(line.gains[imputer])
    return replace(entry, below=below)


def _signed(gain: Summary) -> str:
    return f"{'+' if gain.mean > 0 else ''}{spread(gain)}" if gain.n else number(gain.mean)


def feed(found: list[Compared]) -> list[dict[str, Any]]:
    """The same for programs: a line per comparison and imputer."""
    return [
        {"dataset": c.task.dataset, "condition": c.task.condition, "damage": c.damage, "method": c.row.method}
        | {"config": c.row.config, "missing": c.missing, "imputer": imputer, "metric": c.metric}
        | asdict(summary)
        | {"gain": c.gains[imputer].mean if imputer in c.gains else None}
        | {"gain_sd": c.gains[imputer].sd if imputer in c.gains else None}
        for c in found
        for imputer, summary in c.scores.items()
    ]
