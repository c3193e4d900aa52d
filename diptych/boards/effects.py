"""Stated effects against the results: shown, opposite, not shown or not measured, each in one line.

The unit is the seed: data sets and the remaining axes are averaged inside a seed; then a 95 % t interval of the mean
difference over seeds decides. Every kind speaks of how good a score is: where lower is better, a rise is a fall of the
number.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from functools import cache, cached_property
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from diptych.boards import links
from diptych.boards.frame import Board, Row, Task, higher_is_better, lines
from diptych.boards.tables import counted, number
from diptych.effects import Comparison, alike, beside, comparisons, is_measured, is_number
from diptych.stats import Array, pooled_sd, summarise

if TYPE_CHECKING:
    from diptych.plan import Cell
    from diptych.spec import Effect

PROJECTOR = "projector"  # the embedding whose health is an axis, where a method has one
LEVEL = 0.05
EQUAL_LOSS = 0.01  # of the smaller loss
SPLIT_SDS = 2.0  # pooled seed sds beyond which a difference at equal loss matters
ENDED = ("ok", "collapsed", "diverged")  # statuses that say something about the method and not about the machine


@dataclass(frozen=True)
class Interval:
    """A mean difference with its confidence limits; NaN limits where there is one seed."""

    mean: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")

    @property
    def verdict(self) -> str:
        """Whether the interval excludes 0, and on which side."""
        return "shown" if self.low > 0 else "opposite" if self.high < 0 else "not shown"

    def times(self, sign: float) -> Interval:
        """The same difference the other way round, where the sign is negative."""
        return self if sign > 0 else Interval(-self.mean, -self.high, -self.low)

    def __str__(self) -> str:
        limits = f" [{self.low:+.3f}, {self.high:+.3f}]" if np.isfinite(self.low) else ""
        return f"{self.mean:+.3f}{limits}"


@dataclass(frozen=True)
class Judged:
    """An effect with its verdict; the difference is in the metric's own direction."""

    effect: Effect
    verdict: str  # shown, opposite, not shown, not measured
    line: str
    difference: Interval
    seeds: int
    missing: int
    sources: dict[str, str]  # method on data set -> the page where its cells stand

    @property
    def feed(self) -> dict[str, Any]:
        """For leaderboard.json."""
        about = {"claim": self.effect.claim, "kind": self.effect.kind, "verdict": self.verdict, "line": self.line}
        numbers = {field.name: getattr(self.difference, field.name) for field in fields(Interval)}
        return about | numbers | {"seeds": self.seeds, "missing": self.missing}


@dataclass(frozen=True)
class Point:
    """A place on an axis: how it is called, and its score for each seed."""

    label: str
    place: float  # NaN for a name
    cells: tuple[Cell, ...]
    values: Array  # [seeds]


@dataclass(frozen=True)
class Pair:
    """Two scores for each seed on one data set, and where they stand."""

    before: Array  # [seeds]
    after: Array  # [seeds]
    first: str
    last: str


def judge(board: Board) -> list[Judged]:
    """Every effect that the benchmark file states."""
    return [Judge(board, effect).judged() for effect in board.plan.spec.effects]


def interval(differences: Array) -> Interval:
    """The 95 % t interval of a mean over seeds."""
    found = summarise(differences)
    half = stats.t.ppf(1 - LEVEL / 2, max(found.n - 1, 1)) * found.sd / np.sqrt(max(found.n, 1))
    return Interval(found.mean, float(found.mean - half), float(found.mean + half))


@cache
def tukey(level: float, k: int, n: int) -> float:
    """How far apart, in standard errors, the extremes of k equal means of n seeds lie at most, but for `level`."""
    return float(stats.studentized_range.ppf(1 - level, k, k * (n - 1)))


def health(board: Board, metric: str) -> dict[str, float]:
    """A health metric of every cell that has it: of its projections, else of the embedding that ranks."""
    own = board.results[(board.results["probe"] == "health") & (board.results["metric"] == metric)]
    ranked, projector = own[own["ranked_embedding"]], own[own["embedding"] == PROJECTOR]
    return {str(c): float(v) for part in (ranked, projector) for c, v in zip(part["cell"], part["value"], strict=True)}


@dataclass(frozen=True)
class Judge:
    """One effect on one board."""

    board: Board
    effect: Effect

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """What is compared, by data set."""
        return comparisons(self.board.plan, self.effect)

    def judged(self) -> Judged:
        """The verdict and its line."""
        if self.effect.kind == "collapses":
            return self._collapses()
        if absent := [cell for cell in self._needed if not self._complete(cell)]:
            return self._judged("not measured", f" ({self._absent(absent)})", missing=len(absent))
        return self._splits() if self.effect.kind == "splits" else self._differs()

    def _judged(
        self, verdict: str, why: str = "", said: str = "", *, found: Interval = Interval(), missing: int = 0
    ) -> Judged:
        several = len(self.board.plan.cards) > 1 and not beside(self.effect)
        named = ", ".join(c.dataset for c in self.comparisons) if several else ""
        claim, n = self.effect.claim.rstrip(".:; "), len(self.seeds)
        parts = [said, counted(n, "seed") if said else "", named and f"on {named}"]
        numbers = ", ".join(part for part in parts if part)
        line = f"{verdict.capitalize()}{why}: {claim}{': ' if said else ', ' if numbers else ''}{numbers}."
        return Judged(self.effect, verdict, line, found, n, missing, self._sources)

    @property
    def _sources(self) -> dict[str, str]:
        found = [self._about[cell.path] for comparison in self.comparisons for cell in comparison.cells]
        return {f"{line.row.method} on {line.task}": links.cells(line.task, line.row) for line in found}

    # ------------------------------------------------------------------ what was measured

    @cached_property
    def seeds(self) -> list[int]:
        """The replications."""
        return list(self.board.plan.spec.seeds)

    @cached_property
    def measured(self) -> bool:
        """Whether the axis is a health metric, which every cell has its own value of."""
        return bool(self.effect.along) and is_measured(self.board.plan, self.effect)

    @cached_property
    def _about(self) -> dict[str, Any]:
        return {str(line.cell): line for line in lines(self.board.cells)}

    def _status(self, cell: Cell) -> str:
        return str(self._about[cell.path].status)

    @cached_property
    def _scores(self) -> dict[str, float]:
        return dict(zip(self.board.scores["cell"], self.board.scores["value"], strict=True))

    @cached_property
    def _places(self) -> dict[str, float]:
        return health(self.board, str(self.effect.along)) if self.measured else {}

    def row(self, cell: Cell) -> Row:
        """The board's row of a cell."""
        row: Row = self._about[cell.path].row
        return row

    def loss(self, cell: Cell) -> float:
        """Mean training loss of the last tenth of the steps."""
        return float(self._about[cell.path].mean_final_loss)

    def score(self, cell: Cell) -> float:
        """The score by which the cell ranks."""
        return float(self._scores.get(cell.path, np.nan))

    def metric(self, comparison: Comparison) -> str:
        """The metric of a data set."""
        return self.board.metric(Task(comparison.dataset, ""))

    @cached_property
    def _metric(self) -> str:
        metrics = {self.metric(comparison) for comparison in self.comparisons}
        return metrics.pop() if len(metrics) == 1 else "score"

    def _sign(self, comparison: Comparison) -> float:
        return 1.0 if higher_is_better(self.metric(comparison)) else -1.0

    def point(self, label: Any, cells: list[Cell]) -> Point:
        """Cells that stand at one place: the remaining axes are averaged inside each seed."""
        values = [np.mean([self.score(cell) for cell in cells if cell.seed == seed]) for seed in self.seeds]
        if self.measured:
            place = float(np.mean([self._places.get(cell.path, np.nan) for cell in cells]))
            return Point(number(place, 2), place, tuple(cells), np.array(values))
        return Point(f"{label:g}" if is_number(label) else str(label), np.nan, tuple(cells), np.array(values))

    def points(self, side: dict[Any, list[Cell]]) -> list[Point]:
        """The points of an axis in their order."""
        found = [self.point(label, cells) for label, cells in side.items()]
        return sorted(found, key=lambda point: point.place) if self.measured else found

    # ------------------------------------------------------------------ what is missing

    @cached_property
    def _needed(self) -> list[Cell]:
        """The cells without which nothing can be said: those at the ends of an axis, or all."""
        if self.measured or self.effect.kind not in ("rises", "falls", "steeper"):
            return [cell for comparison in self.comparisons for cell in comparison.cells]
        sides = [[*side.values()] for c in self.comparisons for side in (c.of, c.over) if side]
        return [*chain.from_iterable([*cells[0], *cells[-1]] for cells in sides)]

    def _complete(self, cell: Cell) -> bool:
        values = [self.score(cell)]
        values += [self._places.get(cell.path, np.nan)] if self.measured else []
        values += [self.loss(cell)] if self.effect.kind == "splits" else []
        return bool(np.isfinite(values).all())

    def _absent(self, cells: list[Cell]) -> str:
        ended = Counter(map(self._status, cells))
        why = ", ".join(f"{n} {status}" for status, n in ended.items() if status != "ok")
        what = " or loss" if self.effect.kind == "splits" else f" or {self.effect.along}" if self.measured else ""
        return f"{len(cells)} of {len(self._needed)} cells have no score{what}{': ' + why if why else ''}"

    # ------------------------------------------------------------------ differences over seeds

    def _differs(self) -> Judged:
        pairs, signs = [self._pair(c) for c in self.comparisons], [self._sign(c) for c in self.comparisons]
        better = np.mean([sign * (p.after - p.before) for sign, p in zip(signs, pairs, strict=True)], axis=0)  # [seeds]
        claimed = -1.0 if self.effect.kind == "falls" else 1.0
        found = interval(claimed * better)
        drawn = found.times(claimed * (signs[0] if len(set(signs)) == 1 else 1.0))
        why = " (one seed: no interval)" if len(self.seeds) == 1 else ""
        return self._judged(found.verdict, why, self._said(pairs, drawn), found=drawn)

    def _pair(self, comparison: Comparison) -> Pair:
        if self.effect.kind == "peaks":
            return self._peak(comparison)
        sides = [self.points(side) for side in (comparison.of, comparison.over) if side]
        if self.effect.kind == "above":
            of, over = (points[0].values for points in sides)
            return Pair(over, of, name(self.effect.over or {}), name(self.effect.of))
        first, last = sides[0][0], sides[0][-1]
        if self.effect.kind == "steeper":
            of, over = (points[-1].values - points[0].values for points in sides)
            return Pair(over, of, first.label, last.label)
        return Pair(first.values, last.values, first.label, last.label)

    def _peak(self, comparison: Comparison) -> Pair:
        """The best point inside against the better end; both are chosen for each seed by the other seeds' scores.

        A point that is chosen by the score it is then judged by would look better than it is. Choices of different
        seeds share scores, so the interval is a little too narrow: of flat axes (9 points, 3 seeds) 4 % are called
        peaks instead of 2.5 %.
        """
        points = self.points(comparison.of)
        values = self._sign(comparison) * np.stack([point.values for point in points])  # [points, seeds]
        inner, ends = [], []
        for seed in range(values.shape[1]):
            means = (np.delete(values, seed, axis=1) if values.shape[1] > 1 else values).mean(1)
            inner.append(1 + int(means[1:-1].argmax()))
            ends.append(0 if means[0] >= means[-1] else len(points) - 1)
        at = [np.array([points[p].values[s] for s, p in enumerate(chosen)]) for chosen in (ends, inner)]
        labels = ["/".join(dict.fromkeys(points[p].label for p in sorted(chosen))) for chosen in (ends, inner)]
        return Pair(at[0], at[1], labels[0], labels[1])

    def _said(self, pairs: list[Pair], difference: Interval) -> str:
        before, after = (float(np.mean([getattr(p, side) for p in pairs])) for side in ("before", "after"))
        first, last = ("/".join(dict.fromkeys(getattr(p, side) for p in pairs)) for side in ("first", "last"))
        axis = self.effect.along
        if self.effect.kind == "above":
            return f"{self._metric} {number(after)} for {last}, {number(before)} for {first}, {difference}"
        if self.effect.kind == "peaks":
            end = f"{number(before)} at the better end ({first})"
            return f"{self._metric} along {axis}: {number(after)} inside ({last}), {end}, {difference}"
        if self.effect.kind == "steeper":
            gains = f"{after:+.3f} for {name(self.effect.of)}, {before:+.3f} for {name(self.effect.over or {})}"
            return f"{self._metric} from {axis} {first} to {last}: {gains}; difference {difference}"
        return f"{self._metric} {number(before)} at {axis} {first} → {number(after)} at {last}, {difference}"

    # ------------------------------------------------------------------ equal losses, unequal scores

    def _splits(self) -> Judged:
        """The largest difference of score among configurations whose losses are equal within 1 %.

        Its limits are Tukey's for the number of configurations, since the largest of many differences is looked at.
        """
        if len(self.seeds) == 1:
            return self._judged("not shown", " (one seed: no interval)")
        found = [split for comparison in self.comparisons if (split := self._split(comparison))]
        if not found:
            return self._judged("not shown", said=f"no two losses lie within {EQUAL_LOSS:.0%}")
        verdict, difference, said = max(found, key=lambda split: (split[0] == "shown", split[1].low))
        return self._judged(verdict, said=f"{said}, {difference}", found=difference)

    def _split(self, comparison: Comparison) -> tuple[str, Interval, str] | None:
        points = self.points(comparison.of)
        losses = [float(np.mean([self.loss(cell) for cell in point.cells])) for point in points]
        equal = [(a, b) for a, b in combinations(range(len(points)), 2) if self._comparable(points, losses, a, b)]
        if not equal:
            return None
        means = [float(point.values.mean()) for point in points]
        apart = max(equal, key=lambda pair: abs(means[pair[0]] - means[pair[1]]))
        high, low = sorted(apart, key=lambda p: -means[p])
        sd, n, k = pooled_sd(summarise(point.values) for point in points), len(self.seeds), len(points)
        gap, half = means[high] - means[low], tukey(LEVEL / len(self.comparisons), k, n) * sd / float(np.sqrt(n))
        difference = Interval(gap, gap - half, gap + half)
        verdict = "shown" if difference.low > 0 and gap > SPLIT_SDS * sd else "not shown"
        told = [f"{number(means[p])} at loss {number(losses[p])} ({self.row(points[p].cells[0])})" for p in (high, low)]
        there = f" on {comparison.dataset}" if len(self.comparisons) > 1 else ""
        return verdict, difference, f"{self.metric(comparison)}{there} {' against '.join(told)}"

    def _comparable(self, points: list[Point], losses: list[float], a: int, b: int) -> bool:
        close = abs(losses[a] - losses[b]) <= EQUAL_LOSS * min(abs(losses[a]), abs(losses[b]))
        plan = self.board.plan
        return close and alike(plan, points[a].cells[0]) == alike(plan, points[b].cells[0])

    # ------------------------------------------------------------------ collapse

    def _collapses(self) -> Judged:
        """Statuses decide: every cell of `of` collapsed and none beside it did."""
        of = [self._status(cell) for c in self.comparisons for cell in chain.from_iterable(c.of.values())]
        others = [self._status(cell) for c in self.comparisons for cell in chain.from_iterable(c.over.values())]
        if missing := sum(status not in ENDED for status in of):
            why = f" ({missing} of {len(of)} cells did not run to an end)"
            return self._judged("not measured", why, missing=missing)
        fell, beside = of.count("collapsed"), others.count("collapsed")
        ran = sum(status in ENDED for status in others)
        verdict = "shown" if fell == len(of) and not beside else "opposite" if not fell and beside else "not shown"
        return self._judged(verdict, said=f"{fell} of {len(of)} cells collapsed, {beside} of {ran} beside them")


def name(where: dict[str, Any]) -> str:
    """A selection in words: the methods, and the parameters that single cells out."""
    methods = where["method"] if isinstance(where["method"], list) else [where["method"]]
    rest = ", ".join(f"{key}={value}" for key, value in where.items() if key != "method")
    return " or ".join(map(str, methods)) + (f" ({rest})" if rest else "")
