"""Which rows of a leaderboard can be told apart: intervals, ties at the top, pairs, policies for missing cells.

Ranks and their intervals are of every ranked row. Tests, shares and pairs are of the rows that were planned on every
data set of a scope, the *block*; the others are named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from diptych import comparisons
from diptych.boards.frame import CEILING, FLOOR, RANKED, Board, Row, Task, higher_is_better
from diptych.boards.ranking import scaled
from diptych.stats import average

Array = np.ndarray

DRAWS, FEWER = 2_000, 200  # of the bootstrap; the fewer beyond `PAIRS` rows
PAIRS = 60  # rows beyond which pairs, shares and probabilities have no intervals: there are too many to read
FEWEST = 3  # data sets below which drawing from them says nothing
DEFAULT: comparisons.Policy = "worst rank"
KEYS = ("scope", "method", "config")
COLUMNS = ("rank_low", "rank_high", "place_low", "place_high", "top_group")
ENDS = ("low", "high")
DIGITS = 6  # that programs are told: the last ones depend on the machine


@dataclass(frozen=True)
class Estimate:
    """A number of each row [rows], with its interval [2, rows] where one was drawn."""

    value: Array
    around: Array | None


@dataclass(frozen=True)
class Compared:
    """The ranked rows of a scope, and what follows from their scores."""

    board: Board
    scope: str
    rows: tuple[Row, ...]
    tasks: tuple[Task, ...]

    # ------------------------------------------------------------------ scores

    @cached_property
    def planned(self) -> Array:
        """Which rows were to run on which data sets [rows, tasks]."""
        return np.array([[(task, row) in self.board.summaries for task in self.tasks] for row in self.rows])

    @cached_property
    def block(self) -> Array:
        """The places of the rows that were planned on every data set."""
        return np.flatnonzero(self.planned.all(1))

    @cached_property
    def raw(self) -> Array:
        """Scores [rows, tasks, seeds], higher is better; NaN where a planned cell has none.

        A seed that no row has on a data set, yet, says nothing against any: the mean of the others stands for it.
        """
        nowhere = np.isnan(self._runs).all(0)  # [tasks, seeds]
        return np.asarray(np.where(nowhere, average(self._runs)[..., None], self._runs))

    @cached_property
    def _runs(self) -> Array:
        seeds = list(self.board.plan.spec.seeds)
        runs = [[self.board.runs(task, row) for task in self.tasks] for row in self.rows]
        cube = np.array([[[own.get(seed, np.nan) for seed in seeds] for own in line] for line in runs])
        return np.asarray(cube * self.sign[:, None])

    @cached_property
    def missing(self) -> Array:
        """Which planned cells have no score [rows, tasks, seeds]."""
        return np.asarray(np.isnan(self._runs) & self.planned[..., None])

    @cached_property
    def sign(self) -> Array:
        """−1 for the data sets whose metric is better the lower it is [tasks]."""
        return np.array([1.0 if higher_is_better(self.board.metric(task)) else -1.0 for task in self.tasks])

    @cached_property
    def control(self) -> Array:
        """Runs of the random encoder beside each row [rows, tasks, runs]; NaN where there is none."""
        runs = [[self._control_runs(task, row) for task in self.tasks] for row in self.rows]
        width = max(1, *(len(values) for line in runs for values in line))
        padded = np.array([[values + [np.nan] * (width - len(values)) for values in line] for line in runs])
        return np.where(self.planned[..., None], padded * self.sign[:, None], np.nan)

    def _control_runs(self, task: Task, row: Row) -> list[float]:
        rows = self.board.control_rows(task, FLOOR, row)
        return [value for other in rows for value in self.board.runs(task, other).values()]

    @cached_property
    def floor(self) -> Array:
        """Mean of the random encoder [rows, tasks]."""
        return average(self.control)

    def under(self, policy: comparisons.Policy) -> Array:
        """Scores under a policy for missing cells."""
        return comparisons.under(policy, self.raw, self.floor, self.planned)

    @cached_property
    def scores(self) -> Array:
        """Scores under the default policy."""
        return self.under(DEFAULT)

    @cached_property
    def tolerance(self) -> Array:
        """Scores closer than this are ties [1, tasks, 1]."""
        return np.array([self.board.tolerance(task) for task in self.tasks])[None, :, None]

    @cached_property
    def shares(self) -> Array:
        """Shares [rows, tasks, seeds], the random encoder is 0 and the supervised one 1; NaN where there is no scale.

        A missing cell is worth the worst run there, and at most the random encoder.
        """
        ceiling = [[self.board.control(t, CEILING, r).mean for t in self.tasks] for r in self.rows]
        way = np.where(self._scaled, self.sign * ceiling - self.floor, np.nan)[..., None]
        found = (self.raw - self.floor[..., None]) / way
        worst = np.fmin(np.fmin.reduce(found, axis=(0, 2)), 0.0)[:, None]
        return np.asarray(np.where(np.isnan(found) & self._scaled[..., None], worst, found))

    @cached_property
    def scales(self) -> Array:
        """On how many data sets a row has shares [rows]."""
        return np.asarray(self._scaled.sum(1))

    @cached_property
    def _scaled(self) -> Array:
        """Where a share means something [rows, tasks]."""
        found = [scaled(self.board, task, self.rows) for task in self.tasks]
        return np.asarray([[row in rows for rows in found] for row in self.rows] & self.planned)

    # ------------------------------------------------------------------ intervals

    @property
    def few(self) -> bool:
        """Whether the rows are so few that pairs are read."""
        return len(self.rows) <= PAIRS

    @property
    def draws(self) -> int:
        """Draws of the bootstrap."""
        return DRAWS if self.few else FEWER

    def generator(self) -> np.random.Generator:
        """The same draws for the same plan."""
        return np.random.default_rng([int(self.board.plan.digest, 16), *self.scope.encode()])

    @cached_property
    def _drawn_ranks(self) -> Array:
        draw = comparisons.bootstrap
        return draw(comparisons.mean_ranks, self.draws, self.generator(), self.scores, self.tolerance)

    @cached_property
    def rank(self) -> Estimate:
        """Mean rank: that of the leaderboard."""
        mean = comparisons.mean_ranks(self.scores, self.tolerance)
        return Estimate(mean, self._interval(self._drawn_ranks))

    @cached_property
    def place(self) -> Estimate:
        """Place by mean rank."""
        return Estimate(comparisons.places(self.rank.value), self._interval(comparisons.places(self._drawn_ranks)))

    @cached_property
    def first(self) -> Estimate:
        """Probability of the best mean rank, over the draws."""
        return Estimate(self._drawable(comparisons.best(self._drawn_ranks).mean(0)), None)

    @cached_property
    def better(self) -> Estimate:
        """Probability that a run beats one of the random encoder."""
        value = comparisons.improvement(self.raw, self.control)
        return Estimate(value, self._around(comparisons.improvement, self.raw, self.control))

    @cached_property
    def share(self) -> Estimate:
        """Mean share: that of the leaderboard where no cell is missing."""
        return self._of_shares(_mean_share)

    @cached_property
    def iqm(self) -> Estimate:
        """Interquartile mean of shares."""
        return self._of_shares(comparisons.iqm)

    def _of_shares(self, statistic: Callable[..., Array]) -> Estimate:
        around = self._around(statistic, self.shares)
        if around is not None:
            around = np.where(self.scales < FEWEST, np.nan, around)
        return Estimate(statistic(self.shares), around)

    def _around(self, statistic: Callable[..., Array], *cubes: Array) -> Array | None:
        if not self.few:
            return None
        return self._interval(comparisons.bootstrap(statistic, self.draws, self.generator(), *cubes))

    def _interval(self, draws: Array) -> Array:
        """Of draws [draws, rows]."""
        return self._drawable(comparisons.interval(draws))

    def _drawable(self, values: Array) -> Array:
        """Values [..., rows]; NaN for rows of too few data sets to draw from."""
        return np.where(self.planned.sum(1) < FEWEST, np.nan, values)

    # ------------------------------------------------------------------ tests, of the block

    @cached_property
    def means(self) -> Array:
        """Scores of the block with seeds averaged [block, tasks]."""
        return np.asarray(self.scores[self.block].mean(-1))

    @cached_property
    def ranks(self) -> Array:
        """Ranks within the block [block, tasks]."""
        return comparisons.ranks(self.means, self.tolerance[0, :, 0])

    @cached_property
    def top(self) -> list[bool | None]:
        """Which rows cannot be told from the best of the block; None outside of it."""
        found: list[bool | None] = [None] * len(self.rows)
        if len(self.block):
            for i, top in zip(self.block, comparisons.top_group(self.ranks, self.alike).tolist(), strict=True):
                found[i] = top
        return found

    @cached_property
    def alike(self) -> Array:
        """Which pairs of the block cannot be told apart [block, block]."""
        return comparisons.alike(self.adjusted if self.reachable else None, self.ranks, self.critical)

    @property
    def tied(self) -> int:
        """How many rows cannot be told from the best, itself among them; 0 where none is tested."""
        return sum(map(bool, self.top)) if len(self.block) > 1 else 0

    @cached_property
    def critical(self) -> float:
        """The difference of mean ranks from which rows of the block differ."""
        return comparisons.critical_difference(self.ranks, self.draws, self.generator())

    @property
    def reachable(self) -> bool:
        """Whether so few data sets can tell any of so many pairs apart."""
        return comparisons.reachable(*self.ranks.shape)

    @property
    def pairwise(self) -> bool:
        """Whether pairs are compared."""
        return self.few and len(self.block) > 1

    @cached_property
    def adjusted(self) -> Array:
        """Signed-rank p of every pair after Holm."""
        return comparisons.holm(comparisons.wilcoxon(self.means))

    @cached_property
    def friedman(self) -> tuple[float, float]:
        """(F, p) over the block."""
        return comparisons.friedman(self.ranks)

    @cached_property
    def outcomes(self) -> Array:
        """Data sets won, tied and lost, row over column."""
        return comparisons.outcomes(self.means, self.tolerance[0, :, 0])

    @cached_property
    def improvement(self) -> Array:
        """Probability that a run of the row beats one of the column."""
        own = self.scores[self.block]
        return comparisons.improvement(own[:, None], own[None, :])

    @property
    def feed(self) -> list[dict[str, Any]]:
        """One line per row for programs."""
        told = {
            "rank": self.rank,
            "place": self.place,
            "first": self.first,
            "share": self.share,
            "iqm": self.iqm,
            "better": self.better,
        }
        lines: list[dict[str, Any]] = [
            {"scope": self.scope, "method": row.method, "config": row.config} for row in self.rows
        ]
        for i, line in enumerate(lines):
            for name, estimate in told.items():
                line |= {name: _told(estimate.value[i])}
                if estimate.around is not None:
                    line |= {f"{name}_{end}": _told(v[i]) for end, v in zip(ENDS, estimate.around, strict=True)}
            line["top_group"] = self.top[i]
        return lines


def _told(value: float) -> float:
    return round(float(value), DIGITS)


def _mean_share(shares: Array) -> Array:
    return average(average(shares))


def compare(board: Board) -> list[Compared]:
    """All data sets, then each modality where there are several: scopes with two rows and two data sets or more."""
    found = [_compared(board, scope) for scope in ("", *board.modalities)]
    return [c for c in found if len(c.rows) > 1 and len(c.tasks) > 1]


def of(found: list[Compared], modality: str) -> Compared | None:
    """That of a modality, or of everything; None where too little is there to compare.

    A modality that is all there is is everything: one number has one interval.
    """
    own = next((c for c in found if c.scope == (modality or "all")), None)
    return found[0] if own and own.tasks == found[0].tasks else own


def _compared(board: Board, scope: str) -> Compared:
    tasks = board.rank_tasks(scope)
    rows = dict.fromkeys(row for task in tasks for row in board.planned(task) if board.role(row) == RANKED)
    return Compared(board, scope or "all", tuple(rows), tuple(tasks))


def joined(flat: pd.DataFrame, found: list[Compared]) -> pd.DataFrame:
    """Leaderboards with the columns of the comparison; empty where a row was not compared."""
    lines = pd.DataFrame([line for c in found for line in c.feed], columns=[*KEYS, *COLUMNS])
    return flat.merge(lines.astype({"top_group": object}), how="left", on=list(KEYS))
