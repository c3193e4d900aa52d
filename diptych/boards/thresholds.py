"""The tutorial's noise threshold: the share of wrong or hidden labels at which a row is no better than raw features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from diptych.boards import links
from diptych.boards.damage import Curve
from diptych.boards.effects import Interval, interval
from diptych.boards.frame import SUPERVISED, Board, Row, Task, higher_is_better
from diptych.boards.tables import Entry, Table, counted, name_entry, number, task_entry
from diptych.catalog import components
from diptych.stats import Array

BASE = "raw"  # the control to which rows fall
FINE = 10  # parts of the gap between two severities: the limits of lines are no straight lines
HELP = (
    "The smallest severity at which a row is no better than raw features under the same damage, on straight lines "
    "between the severities measured; differences are paired by seed. 0: no better from the start; then the line below "
    "says from where on it is better. > s: not yet at s, the last severity. In brackets: the severities "
    "at which the 95 % t interval of the difference over seeds holds 0. Only probes meet the damage: rows "
    "whose encoder saw the labels before are left out."
)


@dataclass(frozen=True)
class Crossing:
    """A severity and its 95 % limits: infinite where it lies beyond the last one, limits NaN for a single seed."""

    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Threshold:
    """One row under one corruption of labels against raw features under the same."""

    task: Task
    row: Row
    corruption: str
    leads: dict[float, Interval]  # severity -> by how much the row is better than raw
    falls: Crossing  # no better than raw from here on; 0: from the start
    rises: Crossing | None  # better than raw from here on; for rows that are no better at the start
    seeds: int

    @property
    def last(self) -> float:
        """The largest severity that was measured."""
        return max(self.leads)

    @property
    def verdict(self) -> str:
        """Which of the four ways it goes."""
        if self.rises:
            return "rises above raw" if np.isfinite(self.rises.at) else "never above raw"
        return "falls to raw" if np.isfinite(self.falls.at) else "above raw throughout"

    @property
    def feed(self) -> dict[str, Any]:
        """For leaderboard.json; what lies beyond `last`, and limits of a single seed, become null there."""
        where = {"dataset": self.task.dataset, "condition": self.task.condition, "corruption": self.corruption}
        who = {"method": self.row.method, "config": self.row.config, "verdict": self.verdict}
        found = {"falls": self.falls, "rises": self.rises or Crossing(np.nan, np.nan, np.nan)}
        numbers = {f"{way}_{name}": value for way, c in found.items() for name, value in asdict(c).items()}
        return where | who | numbers | {"last": self.last, "seeds": self.seeds}


def fall(severities: Array, leads: Array) -> Crossing:
    """Where the mean lead over raw, of leads [s, seeds] at ascending severities [s], ends.

    The limits are those of the severities at which the t interval of the lead holds 0 (an inverted test): they exist
    also where some seeds never fall, and a mean of thresholds does not.
    """
    fine, found = _between(severities, leads)
    return Crossing(*(_first(fine, [getattr(lead, limit) for lead in found]) for limit in ("mean", "low", "high")))


def rise(severities: Array, leads: Array) -> Crossing:
    """Where the lead begins: as `fall`, upwards."""
    fine, found = _between(severities, leads)
    lines = ([getattr(lead, limit) for lead in found] for limit in ("mean", "high", "low"))
    return Crossing(*(_first(fine, line, upwards=True) for line in lines))


def _between(severities: Array, leads: Array) -> tuple[Array, list[Interval]]:
    """Finer severities, and the interval of the seeds' straight lines at each."""
    fine = np.interp(np.arange(FINE * (len(severities) - 1) + 1) / FINE, np.arange(len(severities)), severities)
    lines = np.stack([np.interp(fine, severities, seed) for seed in leads.T], axis=1)  # [fine, seeds]
    return fine, [interval(values) for values in lines]


def _first(severities: Array, values: list[float], *, upwards: bool = False) -> float:
    """The first severity at which a line is not above 0 (upwards: is above it); inf where there is none."""
    line = np.array(values)
    reached = line > 0 if upwards else line <= 0
    if np.isnan(line).any():
        return float("nan")
    if not reached.any():
        return float("inf")
    after = int(reached.argmax())
    before = max(after - 1, 0)
    part = line[before] / (line[before] - line[after]) if after else 0.0
    return float(severities[before] + part * (severities[after] - severities[before]))


def thresholds(board: Board, curves: list[Curve]) -> list[Threshold]:
    """Every row beside raw features whose training labels were damaged at probe time, and unseen before."""
    known = components("corruptions")
    noisy = [c for c in curves if c.corruption in known and known[c.corruption].attributes["target"] == "label"]
    raw: dict[tuple[Task, str], list[pd.DataFrame]] = {(c.task, c.corruption): [] for c in noisy}
    for curve in (c for c in noisy if c.row.method == BASE):
        raw[curve.task, curve.corruption].append(curve.values)
    unseen = [c for c in noisy if c.row.method != BASE and board.role(c.row) != SUPERVISED]
    others = [(c, raw[c.task, c.corruption]) for c in unseen]
    return [t for curve, base in others if base and (t := _threshold(board, curve, pd.concat(base)))]


def _threshold(board: Board, curve: Curve, raw: pd.DataFrame) -> Threshold | None:
    """Seeds count in which the row and raw were scored at every severity."""
    sign = 1.0 if higher_is_better(board.metric(curve.task)) else -1.0
    lead = (sign * (curve.values - raw.groupby(level=0).mean())).dropna(axis="columns")  # [severities, seeds]
    if lead.shape[1] == 0:
        return None
    severities, values = lead.index.to_numpy(dtype=float), lead.to_numpy(dtype=float)
    leads = {float(s): interval(seeds) for s, seeds in zip(severities, values, strict=True)}
    rises = None if leads[0.0].mean > 0 else rise(severities, values)
    return Threshold(curve.task, curve.row, curve.corruption, leads, fall(severities, values), rises, values.shape[1])


def table(board: Board, found: list[Threshold]) -> Table:
    """A line for each row on each data set, a column for each corruption of labels."""
    corruptions = list(dict.fromkeys(t.corruption for t in found))
    reach = {c: max(t.last for t in found if t.corruption == c) for c in corruptions}
    headings = [Entry(c, below=f"0 to {reach[c]:g}", title=HELP, kind="number") for c in corruptions]
    return Table((Entry("data set"), Entry("method"), *headings), tuple(_lines(board, found, corruptions)), HELP)


def _lines(board: Board, found: list[Threshold], corruptions: list[str]) -> Iterator[tuple[Entry, ...]]:
    own: dict[tuple[Task, Row], dict[str, Threshold]] = {}
    for t in found:
        own.setdefault((t.task, t.row), {})[t.corruption] = t
    for (task, row), by in own.items():
        shown = [_entry(by[c]) if c in by else Entry("–", kind="number") for c in corruptions]
        yield task_entry(task), name_entry(board, row), *shown


def _entry(t: Threshold) -> Entry:
    leads = "; ".join(f"{severity:g}: {lead}" for severity, lead in t.leads.items())
    title = f"better than raw by, at severity {leads}; {counted(t.seeds, 'seed')}"
    better = f"better from {_said(t.rises, t.last)}" if t.rises else ""
    return Entry(_said(t.falls, t.last), below=better, title=title, kind="number", link=links.cells(t.task, t.row))


def _said(crossing: Crossing, last: float) -> str:
    at, low, high = (_severity(x, last) for x in (crossing.at, crossing.low, crossing.high))
    return at if np.isnan(crossing.low) else f"{at} [{low}, {high}]"


def _severity(x: float, last: float) -> str:
    return f"> {last:g}" if np.isinf(x) else number(x, 2) if x else "0"
