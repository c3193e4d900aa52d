"""What a board is made of: the long table, the planned cells, and which rows and tasks they form.

A *row* of a board is a method with a point of its grid; a *task* is a data set under one condition (clean, or corrupted
before pretraining). Seeds are averaged inside a task before anything else happens.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diptych import catalog
from diptych.records import ContractError, read_table
from diptych.stats import TIE_SHARE, Summary, pooled_sd, summarise

if TYPE_CHECKING:
    from diptych.boards.selection import Choice
    from diptych.data.card import Card
    from diptych.plan import Plan

RANKED = "self-supervised"
FLOOR, CEILING = "random", "supervised"  # control methods between which shares are measured
GRID_POINT = "grid point"  # a method's configuration that is shown and not ranked; see selection.py
METHODS = (RANKED, GRID_POINT)
SUPERVISED = "supervised"  # a method whose encoder sees labels
ROLES = (*METHODS, SUPERVISED, "control")
# Of a leaderboard.json, what does not follow from its results: where it was made, and the agreement with other boards,
# which may have been made again since.
BEYOND = ("root", "file", "mlflow", "ladder")


@dataclass(frozen=True, order=True)
class Row:
    """A method with a point of its grid."""

    method: str
    config: str  # its parameters among those that vary, "temperature=0.1"; empty where none does

    def __str__(self) -> str:
        return f"{self.method} ({self.config})" if self.config else self.method


@dataclass(frozen=True, order=True)
class Task:
    """A data set under one condition."""

    dataset: str
    condition: str

    def __str__(self) -> str:
        return f"{self.dataset} · {self.condition}" if self.condition else self.dataset


class Board:
    """Results and cells of one benchmark, as aggregated from MLflow."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.cells = read_table(folder / "cells.parquet")
        results = read_table(folder / "results.parquet")
        if planned := {cell.path for cell in plan.cells} ^ set(self.cells["cell"]):
            raise ContractError(f"{folder}: made for another plan ({min(planned)} differs); aggregate again")
        self.axes = _axes(self.cells)
        rows = _rows(self.cells, self.axes)
        self.cells["row"] = self.cells["cell"].map(rows)
        self.cells["task"] = _tasks(self.cells)
        self.results = results.assign(row=results["cell"].map(rows), task=_tasks(results))
        self.tasks = tuple(dict.fromkeys(self.cells["task"]))
        first = dict(zip(self.cells["cell"], self.cells["embedding"], strict=True))
        self.results["ranked_embedding"] = self.results["embedding"] == self.results["cell"].map(first)

    # ------------------------------------------------------------------ what ranks

    def card(self, task: Task) -> Card:
        """The card of a task's data set."""
        return self.plan.card(task.dataset)

    def metric(self, task: Task) -> str:
        """The metric by which a task is ranked."""
        return self.plan.spec.rank_by.on(self.card(task))

    @property
    def probe(self) -> str:
        """The probe by which tasks are ranked."""
        return str(self.plan.spec.rank_by.probe)

    @cached_property
    def seeds(self) -> pd.DataFrame:
        """The long table with seeds averaged: one line per score of a row on a task, with its `summary`."""
        by = ["task", "row", "embedding", "ranked_embedding", "probe", "corruption", "severity", "metric"]
        scored = self.results[self.results["metric"] != ""]
        found = scored.groupby(by, sort=False)["value"].agg(["mean", "std", "count"]).reset_index()
        values = zip(found["mean"], found["std"], found["count"], strict=True)
        summaries = [Summary(float(mean), float(sd), int(n)) for mean, sd, n in values]
        return found.assign(summary=pd.Series(summaries, index=found.index, dtype=object))

    @cached_property
    def clean(self) -> pd.DataFrame:
        """Scores of ranked embeddings on undamaged data: every probe and metric."""
        chosen = (self.results["corruption"] == "clean") & self.results["ranked_embedding"]
        return self.results[chosen & (self.results["probe"] != "health")]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The one score per cell that ranks it."""
        metrics = self.clean["task"].map({task: self.metric(task) for task in self.tasks})
        return self.clean[(self.clean["probe"] == self.probe) & (self.clean["metric"] == metrics)]

    @cached_property
    def summaries(self) -> dict[tuple[Task, Row], Summary]:
        """Seeds of every planned row of every task."""
        planned = dict.fromkeys([*zip(self.cells["task"], self.cells["row"], strict=True), *self._behind])
        return {key: summarise(self._values.get(key, ())) for key in planned}

    @cached_property
    def _values(self) -> dict[tuple[Task, Row], list[float]]:
        return {key: part["value"].tolist() for key, part in groups(self.entered, "task", "row")}

    @cached_property
    def choices(self) -> list[Choice]:
        """Which points of grids stand for their methods."""
        from diptych.boards import selection  # made of what stands here

        return selection.choose(self)

    @cached_property
    def _behind(self) -> dict[tuple[Task, Row], Row | None]:
        return {(choice.task, choice.row): choice.point for choice in self.choices}

    def behind(self, task: Task, row: Row) -> Row:
        """The row whose cells a row shows on a task: itself, unless a rule chose it among the points of a grid."""
        return self._behind.get((task, row), row) or row

    @cached_property
    def entered(self) -> pd.DataFrame:
        """`scores`, and those of every chosen point once more under the row that it stands for."""
        own = dict(iter(groups(self.scores, "task", "row")))
        chosen = [own[t, p].assign(row=[row] * len(own[t, p])) for (t, row), p in self._behind.items() if (t, p) in own]
        found: pd.DataFrame = pd.concat([self.scores, *chosen], ignore_index=True)
        return found

    def runs(self, task: Task, row: Row) -> dict[int, float]:
        """The score that ranks, by seed; without the seeds that have none."""
        return self._by_seed.get((task, row), {})

    @cached_property
    def _by_seed(self) -> dict[tuple[Task, Row], dict[int, float]]:
        scored = self.entered[np.isfinite(self.entered["value"])]
        parts = groups(scored, "task", "row")
        return {key: dict(zip(part["seed"], part["value"], strict=True)) for key, part in parts}

    def lacks(self, task: Task, row: Row) -> bool:
        """Whether a self-supervised row has no score for a seed that another one has on a task."""
        return self.role(row) == RANKED and self.runs(task, row).keys() < self._seeds[task]

    @cached_property
    def _seeds(self) -> dict[Task, set[int]]:
        """The seeds of each task that a self-supervised row has."""
        found: dict[Task, set[int]] = {task: set() for task in self.tasks}
        for (task, row), values in self._by_seed.items():
            if self.role(row) == RANKED:
                found[task] |= values.keys()
        return found

    def planned(self, task: Task) -> list[Row]:
        """The rows that were to run on a task."""
        return [row for where, row in self.summaries if where == task]

    def role(self, row: Row) -> str:
        """self-supervised, grid point, supervised or control."""
        return str(self._roles[row])

    @cached_property
    def _roles(self) -> dict[Row, str]:
        points = {point: GRID_POINT for choice in self.choices for point in choice.points}
        chosen = {choice.row: RANKED for choice in self.choices}
        return dict(zip(self.cells["row"], self.cells["role"], strict=True)) | points | chosen

    @cached_property
    def methods(self) -> list[Row]:
        """The rows that are no controls, in the order in which they were planned, then what was chosen among them."""
        rows = dict.fromkeys([*self.cells["row"], *(choice.row for choice in self.choices)])
        return [row for row in rows if self.role(row) in METHODS]

    def tolerance(self, task: Task) -> float:
        """Scores closer than this are ties."""
        return TIE_SHARE * pooled_sd(self.summaries[task, row] for row in self.planned(task))

    def control(self, task: Task, method: str, beside: Row | None = None) -> Summary:
        """All seeds of a control on a task, as far as possible with encoder and imputer of the row `beside`."""
        rows = self.control_rows(task, method, beside)
        return summarise(value for row in rows for value in self._values.get((task, row), ()))

    def control_rows(self, task: Task, method: str, beside: Row | None = None) -> list[Row]:
        """The rows of a control on a task: those with encoder and imputer of `beside`, where it ran with these."""
        rows = [row for row in self.planned(task) if row.method == method]
        shared = self._shared.get((task, self.behind(task, beside) if beside else None))
        return [row for row in rows if self._shared[task, row] == shared] or rows

    @cached_property
    def _shared(self) -> dict[tuple[Task, Row | None], dict[str, Any]]:
        return {place: _shared_with_controls(point) for place, point in self._points.items()}

    def point(self, task: Task, row: Row) -> dict[str, Any]:
        """The parameters of a row's cells on a task, as tracked: all are text."""
        return self._points[task, row]

    @cached_property
    def _points(self) -> dict[tuple[Task, Row | None], dict[str, Any]]:
        points = map(json.loads, self.cells["params"])
        return dict(zip(zip(self.cells["task"], self.cells["row"], strict=True), points, strict=True))

    def rank_tasks(self, modality: str = "") -> list[Task]:
        """The tasks that a leaderboard counts: each data set once, clean where that was planned."""
        chosen = [task for task in self.tasks if not modality or self.card(task).modality == modality]
        clean = {task.dataset for task in chosen if not task.condition}
        return [task for task in chosen if not task.condition or task.dataset not in clean]

    @property
    def modalities(self) -> list[str]:
        """In the order of the benchmark file."""
        return list(dict.fromkeys(self.card(task).modality for task in self.tasks))

    def counts(self, row: Row, tasks: list[Task]) -> tuple[int, int]:
        """(cells with the score that ranks, planned cells) of a row."""
        scored = sum(self.summaries[task, row].n for task in tasks)
        return scored, sum(self._planned[task, row] for task in tasks)

    @cached_property
    def _planned(self) -> Counter[tuple[Task, Row]]:
        own = Counter(zip(self.cells["task"], self.cells["row"], strict=True))
        chosen = {(c.task, c.row): own[c.task, c.point or c.points[0]] for c in self.choices}
        return Counter({**own, **chosen})

    def test_counts(self, task: Task) -> tuple[int, ...]:
        """Test samples of each class of a task; empty when nothing was predicted there."""
        texts = self.cells[self.cells["task"] == task]["test_counts"]
        return tuple(next((json.loads(text) for text in texts if json.loads(text)), ()))


def groups(table: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Parts of a table by the values of columns, in the order in which they appear."""
    yield from table.groupby(list(columns) if len(columns) > 1 else columns[0], sort=False)


def lines(table: pd.DataFrame) -> Iterator[Any]:
    """The lines of a table, their columns as attributes."""
    yield from table.itertuples(index=False)


def higher_is_better(metric: str) -> bool:
    """The direction of a metric."""
    return bool(catalog.components("metrics")[metric].attributes["higher_is_better"])


def chance(metric: str, counts: tuple[int, ...]) -> tuple[float, float] | None:
    """(expectation, sd) of a metric for predictions that know nothing of the labels; None where it has no simple form.

    Accuracy: at most the share of the largest class. Balanced accuracy: one over the number of present classes.
    """
    sizes = np.array([n for n in counts if n], dtype=float)
    if len(sizes) < 2:
        return None
    if metric == "accuracy":
        share = sizes.max() / sizes.sum()
        return float(share), float(np.sqrt(share * (1 - share) / sizes.sum()))
    if metric == "balanced_accuracy":
        share = 1 / len(sizes)
        return share, float(np.sqrt((share * (1 - share) / sizes).sum()) / len(sizes))
    return None


def _shared_with_controls(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name.startswith("encoder.") or name == "impute"}


def _tasks(table: pd.DataFrame) -> pd.Series[Any]:
    found = [Task(d, c) for d, c in zip(table["dataset"], table["condition"], strict=True)]
    return pd.Series(found, index=table.index, dtype=object)


def _axes(cells: pd.DataFrame) -> dict[str, list[str]]:
    """The parameters of each method that differ between its cells on one data set."""
    found: dict[str, set[str]] = {str(method): set() for method in cells["method"]}
    for (method, _), part in groups(cells, "method", "dataset"):
        found[method] |= _varying([json.loads(text) for text in dict.fromkeys(part["params"])])
    return {method: sorted(names) for method, names in found.items()}


def _varying(points: list[dict[str, Any]]) -> set[str]:
    """The parameters that tell points apart; those of a view or an encoder only where its name does not."""
    told = sorted({name for point in points for name in point if _differs(name, points)})
    for name in reversed(told):
        whose, _, own = name.partition(".")
        rest = [other for other in told if other != name]
        if own and own != "name" and f"{whose}.name" in rest and _distinct(points, rest):
            told = rest
    return set(told)


def _differs(name: str, points: list[dict[str, Any]]) -> bool:
    return len({str(point[name]) if name in point else None for point in points}) > 1


def _distinct(points: list[dict[str, Any]], names: list[str]) -> bool:
    return len({label(point, names) for point in points}) == len(points)


def label(point: dict[str, Any], names: list[str]) -> str:
    """The parameters of a point that it has."""
    return ", ".join(f"{name}={point[name]}" for name in names if name in point)


def _rows(cells: pd.DataFrame, axes: dict[str, list[str]]) -> dict[str, Row]:
    """The row of each cell."""
    told = zip(cells["cell"], cells["method"], cells["params"], strict=True)
    return {cell: Row(method, label(json.loads(text), axes[method])) for cell, method, text in told}
