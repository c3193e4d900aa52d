"""Frozen against fine-tuned: what training the encoder on the labels adds, and what pretraining is still worth then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from diptych.boards.effects import Interval, interval
from diptych.boards.frame import FLOOR, Board, Row, Task, groups, higher_is_better
from diptych.boards.tables import Entry, Table, metric_entry, name_entry, score_entry, task_entry
from diptych.catalog import FINE_TUNED
from diptych.stats import Summary, summarise

Seeds = dict[tuple[Task, Row, str], "pd.Series[float]"]  # task, row, probe -> a score per seed


@dataclass(frozen=True)
class Compared:
    """One row on one task; differences are taken inside a seed, in the metric's own direction."""

    task: Task
    row: Row
    metric: str
    frozen: Summary
    tuned: Summary
    gain: Interval  # fine-tuned − frozen
    pretraining: Interval  # fine-tuned − the same encoder fine-tuned from its initial weights

    @property
    def feed(self) -> dict[str, Any]:
        """For leaderboard.json."""
        where = {"dataset": self.task.dataset, "condition": self.task.condition, "metric": self.metric}
        about = where | {"method": self.row.method, "config": self.row.config}
        scores = {"frozen": self.frozen.mean, "finetuned": self.tuned.mean, "seeds": self.tuned.n}
        return about | scores | _limits("gain", self.gain) | _limits("pretraining", self.pretraining)


def frozen_probe(board: Board) -> str:
    """The linear probe if it was asked for, else the first of a frozen encoder."""
    probes = [name for name in board.plan.spec.probes if name != FINE_TUNED]
    return "linear" if "linear" in probes else probes[0]


def compare(board: Board) -> list[Compared]:
    """Every row of every task by the metric that ranks it, the best fine-tuned one first; none if not asked for."""
    if FINE_TUNED not in board.plan.spec.probes:
        return []
    seeds, probe = _seeds(board), frozen_probe(board)
    found = [_compared(board, seeds, task, row, probe) for task in board.tasks for row in board.planned(task)]
    return sorted(found, key=lambda c: (board.tasks.index(c.task), not c.tuned.n, -_sign(c) * c.tuned.mean))


def _seeds(board: Board) -> Seeds:
    metrics = board.clean["task"].map({task: board.metric(task) for task in board.tasks})
    own = board.clean[board.clean["metric"] == metrics]
    return {key: part.set_index("seed")["value"] for key, part in groups(own, "task", "row", "probe")}


def _compared(board: Board, seeds: Seeds, task: Task, row: Row, probe: str) -> Compared:
    nothing = pd.Series(dtype=float)
    shown = board.behind(task, row)
    frozen, tuned = (seeds.get((task, shown, name), nothing) for name in (probe, FINE_TUNED))
    controls = board.control_rows(task, FLOOR, row) if row.method != FLOOR else []
    scratch = [seeds[task, control, FINE_TUNED] for control in controls if (task, control, FINE_TUNED) in seeds]
    base = pd.concat(scratch, axis=1).mean(axis=1) if scratch else nothing
    return Compared(
        task=task,
        row=row,
        metric=board.metric(task),
        frozen=summarise(frozen),
        tuned=summarise(tuned),
        gain=_difference(tuned, frozen),
        pretraining=_difference(tuned, base),
    )


def _difference(after: pd.Series[float], before: pd.Series[float]) -> Interval:
    """Over the seeds that have both."""
    return interval((after - before).to_numpy(dtype=float))


def _sign(found: Compared) -> int:
    return 1 if higher_is_better(found.metric) else -1


def _limits(name: str, found: Interval) -> dict[str, float]:
    return {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}


def table(board: Board, found: list[Compared]) -> Table:
    """One line per task and row."""
    rows = tuple(
        (
            task_entry(c.task, c.metric, metric_entry(c.metric).title),
            name_entry(board, c.row),
            score_entry(c.frozen),
            score_entry(c.tuned),
            _entry(c.gain, _sign(c)),
            _entry(c.pretraining, _sign(c)),
        )
        for c in found
    )
    how = "mean over seeds, with its 95 % t interval"
    headings = (
        Entry("data set"),
        Entry("method"),
        Entry("frozen", below=frozen_probe(board), title="a probe of the frozen encoder", kind="number"),
        Entry("fine-tuned", title="encoder and linear head trained on the labels", kind="number"),
        Entry("difference", title=f"fine-tuned − frozen, {how}", kind="number"),
        Entry("over scratch", title=f"fine-tuned − the random encoder fine-tuned, {how}", kind="number"),
    )
    return Table(headings, rows)


def _entry(difference: Interval, sign: int) -> Entry:
    """Coloured where the interval excludes 0."""
    colour = {"shown": " good", "opposite": " bad"}.get(difference.times(sign).verdict, "")
    return Entry(
        str(difference) if np.isfinite(difference.mean) else "–", kind=f"number{colour}", value=difference.mean
    )
