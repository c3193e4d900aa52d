"""Degradation under corruption: curves over severity, and the area under them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from diptych.boards.frame import Board, Row, Task, chance, groups
from diptych.catalog import components
from diptych.conditions import BOTH, Condition
from diptych.stats import Summary, area, retained, summarise


@dataclass(frozen=True)
class Curve:
    """One row under one corruption: a score per severity (0 is the clean score) for each seed."""

    task: Task
    row: Row
    corruption: str
    values: pd.DataFrame  # index severity, ascending; one column per seed

    @property
    def seen(self) -> bool:
        """Whether the method was trained on views that resemble the corruption, which is an advantage."""
        method = components("methods").get(self.row.method)
        return method is not None and self.corruption.partition(" ")[0] in method.attributes["seen_corruptions"]

    @property
    def points(self) -> dict[float, Summary]:
        """Seeds at each severity."""
        return {float(s): summarise(v) for s, v in zip(self.values.index, self.values.to_numpy(), strict=True)}

    @property
    def areas(self) -> pd.Series[float]:
        """Area under the curve of each seed, divided by the largest severity."""
        severities = self.values.index.to_numpy(dtype=float)
        found = [area(severities, seed) for seed in self.values.to_numpy(dtype=float).T]
        return pd.Series(found, index=self.values.columns, dtype=float)

    @property
    def area(self) -> Summary:
        """The same over seeds."""
        return summarise(self.areas)

    def retained(self, chance: float) -> Summary:
        """How much of the clean advantage over chance is left on average."""
        severities = self.values.index.to_numpy(dtype=float)
        return summarise(retained(severities, seed, chance) for seed in self.values.to_numpy(dtype=float).T)


def curves(board: Board) -> list[Curve]:
    """Every row's degradation by the score that ranks its task."""
    metrics = board.results["task"].map({task: board.metric(task) for task in board.tasks})
    chosen = board.results[
        (board.results["probe"] == board.probe)
        & (board.results["metric"] == metrics)
        & board.results["ranked_embedding"]
        & ~board.results["corruption"].isin(("clean", "permuted", ""))
    ]
    found = []
    for (task, corruption, row), part in groups(chosen, "task", "corruption", "row"):
        values = part.pivot(index="severity", columns="seed", values="value")
        if 0.0 not in values.index:
            values = pd.concat([_clean(board, task, row), values])
        found.append(Curve(task, row, corruption, values.sort_index()))
    return found


def pretraining_curves(board: Board) -> list[Curve]:
    """The same for corruption before pretraining: one encoder per severity; the clean condition is severity 0."""
    damage = {task: Condition.of(task.condition) for task in board.tasks if task.condition}
    found = []
    for name, at in dict.fromkeys((under.corruption, under.at) for under in damage.values()):
        own = {task: under for task, under in damage.items() if (under.corruption, under.at) == (name, at)}
        title = f"{name} before pretraining" if at == BOTH else f"{name} at {at} only"
        datasets = {task.dataset for task in own}
        level = {task: under.severity for task, under in own.items()}
        level |= {task: 0.0 for task in board.tasks if not task.condition and task.dataset in datasets}
        scores = board.scores[board.scores["task"].isin(list(level))]
        scores = scores.assign(level=scores["task"].map(level).astype(float))
        for (dataset, row), part in groups(scores, "dataset", "row"):
            values = part.pivot(index="level", columns="seed", values="value").rename_axis(index="severity")
            found.append(Curve(Task(dataset, ""), row, title, values.sort_index()))
    return found


def _clean(board: Board, task: Task, row: Row) -> pd.DataFrame:
    own = board.scores[(board.scores["task"] == task) & (board.scores["row"] == row)]
    return own.assign(severity=0.0).pivot(index="severity", columns="seed", values="value")


@dataclass(frozen=True)
class Permuted:
    """What a probe trained on shuffled labels reached, and what it should."""

    task: Task
    row: Row
    probe: str
    metric: str
    values: dict[int, float]  # by seed: each has a shuffle of its own
    chance: float
    sd: float

    @property
    def found(self) -> Summary:
        """The seeds together."""
        return summarise(self.values.values())

    @property
    def limit(self) -> float:
        """Chance and three standard deviations."""
        return self.chance + 3 * self.sd

    @property
    def above(self) -> int:
        """Seeds above the limit."""
        return sum(value > self.limit for value in self.values.values())

    @property
    def strays(self) -> bool:
        """Whether the mean of the seeds is above the limit."""
        return self.found.mean > self.limit

    @property
    def leaks(self) -> bool:
        """Above the limit in every seed; one shuffle may agree with the true labels, and two groups repeat it."""
        return self.strays and self.above == len(self.values)


def permuted(board: Board) -> list[Permuted]:
    """Every permuted-label score whose chance level is known.

    Rows of one class get alike predictions, also wrong ones, so that one shuffle strays farther from chance than the
    size of the test set says: where the scores of all shuffles on a task spread more, that spread counts. It is taken
    about the median, which a leak in one row does not move.
    """
    from scipy.stats import median_abs_deviation

    shuffled = board.results[(board.results["corruption"] == "permuted") & board.results["ranked_embedding"]]
    shuffled = shuffled.dropna(subset="value")  # such as probabilities of a probe that has none
    by = shuffled.groupby(["task", "probe", "metric"])["value"]
    spread = by.agg(lambda values: float(median_abs_deviation(values, scale="normal")))
    found = []
    for (task, row, probe, metric), part in groups(shuffled, "task", "row", "probe", "metric"):
        if known := chance(metric, board.test_counts(task)):
            values = dict(zip(part["seed"], part["value"], strict=True))
            level, sd = known[0], max(known[1], float(spread[task, probe, metric]))
            found.append(Permuted(task, row, probe, metric, values, level, sd))
    return found
