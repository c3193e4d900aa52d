"""Which rows of a leaderboard can be told apart: intervals, ties at the top, pairs, policies for missing cells.

Rows that were planned on every data set of a scope are compared; the others are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from diptych import comparisons
from diptych.boards.frame import CEILING, FLOOR, RANKED, Board, Row, Task, higher_is_better
from diptych.boards.ranking import task_shares
from diptych.boards.tables import Entry, Table, name_entry, number, number_entry

Array = np.ndarray

DRAWS, FEWER = 2_000, 200  # of the bootstrap; the fewer beyond `PAIRS` rows
PAIRS = 60  # rows beyond which pairs and interquartile means have no intervals: there are too many to read
RELIABLE = 8  # data sets from which an interval can be trusted
DEFAULT: comparisons.Policy = "worst rank"
KEYS = ("scope", "method", "config")
COLUMNS = ("rank_low", "rank_high", "place_low", "place_high", "top_group")
POLICIES: tuple[comparisons.Policy, ...] = ("control floor", "worst rank", "complete cases")


@dataclass(frozen=True)
class Compared:
    """The ranked rows of a scope, and what follows from their scores."""

    board: Board
    scope: str
    rows: tuple[Row, ...]
    tasks: tuple[Task, ...]
    left_out: tuple[Row, ...]  # ranked rows that were not planned on every data set

    @cached_property
    def raw(self) -> Array:
        """Scores [rows, tasks, seeds], higher is better; NaN where a planned cell has none."""
        return self._cube(self.rows)

    @cached_property
    def control(self) -> Array:
        """Runs of the random encoder beside each row [rows, tasks, runs]; NaN where there is none."""
        runs = [[self._runs(FLOOR, task, row) for task in self.tasks] for row in self.rows]
        width = max(1, *(len(values) for line in runs for values in line))
        return np.array([[values + [np.nan] * (width - len(values)) for values in line] for line in runs])

    def _runs(self, control: str, task: Task, row: Row) -> list[float]:
        rows = self.board.control_rows(task, control, row)
        return [_sign(self.board, task) * v for other in rows for v in self.board.runs(task, other).values()]

    def _cube(self, rows: tuple[Row, ...]) -> Array:
        seeds = list(self.board.plan.spec.seeds)
        cube = np.full((len(rows), len(self.tasks), len(seeds)), np.nan)
        for i, row in enumerate(rows):
            for j, task in enumerate(self.tasks):
                values = self.board.runs(task, row)
                cube[i, j] = [_sign(self.board, task) * values.get(seed, np.nan) for seed in seeds]
        return cube

    @cached_property
    def floor(self) -> Array:
        """Mean of the random encoder [rows, tasks]."""
        known = np.isfinite(self.control)
        return np.where(known.any(-1), np.nansum(self.control, -1) / np.maximum(known.sum(-1), 1), np.nan)

    @cached_property
    def scores(self) -> Array:
        """Scores under the default policy."""
        return comparisons.under(DEFAULT, self.raw, self.floor)

    @cached_property
    def rank(self) -> Array:
        """Ranks [rows, tasks]."""
        return comparisons.ranks(self.scores.mean(-1))

    @property
    def pairwise(self) -> bool:
        """Whether pairs are compared."""
        return 2 <= len(self.rows) <= PAIRS

    @property
    def draws(self) -> int:
        """Draws of the bootstrap."""
        return DRAWS if len(self.rows) <= PAIRS else FEWER

    def generator(self) -> np.random.Generator:
        """The same draws for the same plan."""
        return np.random.default_rng([int(self.board.plan.digest, 16), *self.scope.encode()])

    @cached_property
    def intervals(self) -> tuple[Array, Array]:
        """(low, high) [2, rows] of mean rank and of place."""
        chunks = comparisons.resampled(self.scores, self.draws, self.generator())
        mean = np.concatenate([comparisons.ranks(chunk.mean(-1)).mean(-1) for chunk in chunks])
        return comparisons.interval(mean), comparisons.interval(comparisons.places(mean))

    @cached_property
    def top(self) -> Array:
        """Which rows cannot be told from the best."""
        return comparisons.top_group(self.rank, self.draws, self.generator())

    @cached_property
    def adjusted(self) -> Array:
        """Signed-rank p of every pair after Holm."""
        return comparisons.holm(comparisons.wilcoxon(self.scores.mean(-1)))

    @cached_property
    def friedman(self) -> tuple[float, float]:
        """(F, p) over all rows."""
        return comparisons.friedman(self.rank)

    @cached_property
    def better(self) -> Array:
        """Probability that a run beats one of the random encoder, for each row."""
        return comparisons.improvement(self.raw, self.control)

    @cached_property
    def outcomes(self) -> Array:
        """Data sets won, tied and lost, row over column."""
        tolerance = np.array([self.board.tolerance(task) for task in self.tasks])
        return comparisons.outcomes(self.scores.mean(-1), tolerance)

    @cached_property
    def shares(self) -> Array:
        """Shares [rows, tasks with a scale, seeds]: the random encoder's mean is 0 and the supervised one's is 1."""
        known = [j for j, task in enumerate(self.tasks) if _scaled(self.board, task, self.rows)]
        top = [[_sign(self.board, t) * self.board.control(t, CEILING, r).mean for t in self.tasks] for r in self.rows]
        floor = self.floor[:, known, None]
        raised = comparisons.floored(self.raw, self.floor)[:, known]
        return np.asarray((raised - floor) / (np.array(top)[:, known, None] - floor))

    @cached_property
    def iqm(self) -> tuple[Array, Array | None]:
        """Interquartile mean of shares, and its interval where there are few rows; NaN without a scale."""
        if not self.shares.shape[1]:
            return np.full(len(self.rows), np.nan), None
        wide = len(self.rows) > PAIRS
        return comparisons.iqm(self.shares), None if wide else comparisons.iqm_interval(
            self.shares, DRAWS, self.generator()
        )

    @property
    def feed(self) -> list[dict[str, Any]]:
        """One line per row for programs."""
        (rank, place), (iqm, _) = self.intervals, self.iqm
        return [
            {"scope": self.scope, "method": row.method, "config": row.config, "mean_rank": float(self.rank[i].mean()),
             "rank_low": float(rank[0, i]), "rank_high": float(rank[1, i]), "place_low": float(place[0, i]),
             "place_high": float(place[1, i]), "top_group": bool(self.top[i]), "iqm": float(iqm[i]),
             "better_than_random": float(self.better[i])}
            for i, row in enumerate(self.rows)
        ]  # fmt: skip


def _sign(board: Board, task: Task) -> float:
    return 1.0 if higher_is_better(board.metric(task)) else -1.0


def _scaled(board: Board, task: Task, rows: tuple[Row, ...]) -> bool:
    """Whether a share means something for every row that has a score there."""
    shares = task_shares(board, task)
    scored = [row for row in rows if board.summaries[task, row].n]
    return bool(scored) and all(np.isfinite(shares[row]) for row in scored)


def compare(board: Board) -> list[Compared]:
    """All data sets, then each modality: scopes with two rows and two data sets or more."""
    found = [_compared(board, scope) for scope in ("", *board.modalities)]
    return [c for c in found if len(c.rows) > 1 and len(c.tasks) > 1]


def _compared(board: Board, scope: str) -> Compared:
    tasks = board.rank_tasks(scope)
    ours = list(dict.fromkeys(r for task in tasks for r in board.planned(task) if board.role(r) == RANKED))
    everywhere = set(ours).intersection(*(board.planned(task) for task in tasks))
    rows = tuple(row for row in ours if row in everywhere)
    return Compared(board, scope or "all", rows, tuple(tasks), tuple(r for r in ours if r not in everywhere))


def joined(flat: pd.DataFrame, found: list[Compared]) -> pd.DataFrame:
    """Leaderboards with the columns of the comparison; empty where a row was not compared."""
    lines = pd.DataFrame([line for c in found for line in c.feed], columns=[*KEYS, *COLUMNS])
    return flat.merge(lines.astype({"top_group": object}), how="left", on=list(KEYS))


# -------------------------------------------------------------------- tables


def sections(found: list[Compared]) -> list[dict[str, Any]]:
    """What the page and the text show of each scope."""
    return [
        {"scope": c.scope, "rows": table(c), "policies": policies(c), "pairs": pairs(c), "notes": notes(c)}
        for c in found
    ]


def table(c: Compared) -> Table:
    """One line per row, the best mean rank first."""
    (rank, place), (iqm, around) = c.intervals, c.iqm
    rows = []
    for i in np.argsort(c.rank.mean(-1), kind="stable"):
        low, high = place[:, i].round().astype(int)
        rows.append((
            name_entry(c.board, c.rows[i]),
            _ranged(float(c.rank[i].mean()), rank[:, i]),
            Entry(f"{low} to {high}", kind="number", value=float(low)),
            Entry("tied at the top" if c.top[i] else "", kind="good" if c.top[i] else ""),
            _ranged(float(iqm[i]), None if around is None else around[:, i]),
            number_entry(float(c.better[i]), 2),
        ))  # fmt: skip
    columns = (
        Entry("method"),
        Entry("mean rank", below="95 % interval", title="exact ties only, rows of this table", kind="number"),
        Entry("place", below="95 % interval", title="places by mean rank over the bootstrap draws", kind="number"),
        Entry("top", title="mean rank within what shuffling the rows of each data set does in 95 % of cases"),
        Entry("IQM of shares", title="middle half of all runs; a missing one counts as the control", kind="number"),
        Entry("P(> random)", title="probability that a run is above one of the random encoder", kind="number"),
    )
    return Table(columns, tuple(rows))


def _ranged(value: float, around: Array | None) -> Entry:
    below = "" if around is None else f"{number(float(around[0]), 2)} to {number(float(around[1]), 2)}"
    return Entry(number(value, 2), below=below, kind="number", value=value)


def policies(c: Compared) -> Table:
    """Mean rank under each policy for missing cells; none where nothing is missing."""
    if not np.isnan(c.raw).any():
        return Table((), ())
    under = {policy: comparisons.under(policy, c.raw, c.floor) for policy in POLICIES}
    means = {p: comparisons.ranks(s.mean(-1)).mean(-1) for p, s in under.items() if s.shape[1]}
    heads = [Entry(p, below=f"{under[p].shape[1]} data sets", kind="number") for p in means]
    missing = np.isnan(c.raw).sum((1, 2))
    order = np.argsort(means[DEFAULT], kind="stable")
    rows = [
        (name_entry(c.board, c.rows[i]), Entry(f"{missing[i]}/{c.raw[i].size}", kind="number"),
         *(number_entry(float(mean[i]), 2) for mean in means.values()))
        for i in order
    ]  # fmt: skip
    return Table((Entry("method"), Entry("missing cells", kind="number"), *heads), tuple(rows))


def pairs(c: Compared) -> Table:
    """Every pair with wins, ties and losses and the adjusted p, the smallest p first; none beyond `PAIRS` rows."""
    if not c.pairwise:
        return Table((), ())
    order = np.argsort(c.rank.mean(-1), kind="stable").tolist()
    found = sorted(combinations(order, 2), key=lambda pair: c.adjusted[pair])
    rows = [
        (
            name_entry(c.board, c.rows[i]),
            name_entry(c.board, c.rows[j]),
            Entry(" / ".join(map(str, c.outcomes[i, j].tolist())), kind="number", value=float(c.outcomes[i, j, 0])),
            number_entry(p := float(c.adjusted[i, j]), kind="number good" if p < comparisons.LEVEL else "number"),
        )
        for i, j in found
    ]
    columns = (
        Entry("better mean rank"),
        Entry("against"),
        Entry("win / tie / loss", title="data sets; ties within half the pooled seed sd", kind="number"),
        Entry("p (Holm)", title="two-sided Wilcoxon signed-rank over data sets, Holm over all pairs", kind="number"),
    )
    return Table(columns, tuple(rows))


def notes(c: Compared) -> list[str]:
    """What was compared, how, and what this design can and cannot show."""
    n = len(c.tasks)
    said = [
        f"{len(c.rows)} rows on {n} data sets, {len(c.board.plan.spec.seeds)} seeds each. Intervals: {c.draws:,} "
        f"paired draws of data sets, then of seeds. Missing cells, by default: {DEFAULT}."
    ]
    if c.left_out:
        said.append(f"Not compared, since not planned on all of these data sets: {len(c.left_out)} rows.")
    if n < RELIABLE:
        said.append(f"Interval unreliable: {n} data sets, fewer than {RELIABLE}.")
    said.append(_tested(c))
    if len(c.rows) > PAIRS:
        said.append(f"Pairs and intervals of interquartile means are left out beyond {PAIRS} rows.")
    if np.isfinite(least := comparisons.resolution(c.scores)):
        said.append(
            f"Resolution: a mean difference of about {number(least)} between two rows is found with 80 % power "
            "(approximation by a paired t test from the spread of rows over data sets; only where metrics are alike)."
        )
    return said


def _tested(c: Compared) -> str:
    (f, p), least = c.friedman, comparisons.smallest_p(len(c.tasks))
    reach = f"The smallest p that {len(c.tasks)} data sets allow for a pair is {least:.2g} before adjustment."
    if not np.isfinite(p):
        return reach
    verdict = "rows differ" if p < comparisons.LEVEL else "no difference among rows is shown"
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"Friedman (Iman–Davenport): F = {number(f, 2)}, {shown}: {verdict}. {reach}"
