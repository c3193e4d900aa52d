"""Fidelity ladder: how far the ranking of a cheap benchmark agrees with that of a dear one.

Kendall's tau-b over pairs of methods that both boards have and that meet on a data set of each. Ranks are made anew
among these methods alone, on every data set of a board: what the cheap board would have told about the dear one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from diptych.boards.frame import RANKED, higher_is_better
from diptych.boards.selection import DEFAULT
from diptych.boards.tables import Entry, Table, number
from diptych.records import ContractError
from diptych.stats import TIE_SHARE, Array, Summary, pooled_sd, ranks

DRAWS, LEVEL = 2000, 95
FEWEST = 4  # methods below which resampling them says nothing
EVERYTHING = "all"
EQUAL = 1e-9  # mean ranks closer than this are level
NAN = float("nan")


@dataclass(frozen=True)
class Rung:
    """One board: for each data set under its condition the score of each method."""

    name: str
    modality: dict[str, str]  # of each data set
    scores: pd.DataFrame  # dataset, condition, metric, method, mean, sd, n

    @classmethod
    def of(cls, feed: Mapping[str, Any], modality: dict[str, str]) -> Rung:
        """From what a board wrote to leaderboard.json; a method with a grid is its default row."""
        scores = pd.DataFrame(feed["scores"])
        own = scores[scores["role"] == RANKED]
        clean = set(own.loc[own["condition"] == "", "dataset"])
        counted = (own["condition"] == "") | ~own["dataset"].isin(clean)
        standing = own["config"].str.startswith(DEFAULT) | ~own.duplicated(
            ["dataset", "condition", "method"], keep=False
        )
        return cls(str(feed["benchmark"]), modality, own[counted & standing])

    def methods(self, modality: str) -> set[str]:
        """Those with a score in a modality."""
        own = self._of(modality)
        return set(own.loc[own["n"] > 0, "method"])

    def datasets(self, modality: str) -> set[str]:
        """The data sets of a modality."""
        return set(self._of(modality)["dataset"])

    def order(self, modality: str, methods: list[str]) -> Array:
        """+1 where the row's method ranks before the column's, −1 behind, 0 level [methods, methods].

        By mean rank among these methods over the data sets on which both were planned; NaN where there is none.
        """
        own = self._of(modality)
        own = own[own["method"].isin(methods)]
        places = [_ranked(part) for _, part in own.groupby(["dataset", "condition"], sort=False)]
        rank = pd.concat(places, axis=1).reindex(methods).to_numpy(dtype=float)  # [methods, tasks]
        lead = rank[None] - rank[:, None]  # [methods, methods, tasks]
        mean = np.ma.masked_invalid(lead).mean(axis=2).filled(np.nan)
        ahead: Array = np.where(np.abs(mean) <= EQUAL, 0.0, np.sign(mean))
        return ahead

    def _of(self, modality: str) -> pd.DataFrame:
        if modality == EVERYTHING:
            return self.scores
        return self.scores[self.scores["dataset"].map(self.modality) == modality]


def _ranked(task: pd.DataFrame) -> pd.Series[float]:
    """Ranks on one task, with the board's own tolerance for ties."""
    sign = 1.0 if higher_is_better(task["metric"].iloc[0]) else -1.0
    means, sds = (task[name].astype(float).to_numpy() for name in ("mean", "sd"))
    lines = zip(means.tolist(), sds.tolist(), task["n"], strict=True)
    seeds = [Summary(mean, sd, n) for mean, sd, n in lines if np.isfinite(sd)]
    scores = np.where(np.isnan(means), -np.inf, sign * means)
    return pd.Series(ranks(scores, TIE_SHARE * pooled_sd(seeds)), index=task["method"])


@dataclass(frozen=True)
class Agreement:
    """Two boards in one modality."""

    lower: str
    upper: str
    modality: str
    methods: int  # that both have
    datasets: int  # that both have
    tau: float = NAN
    low: float = NAN
    high: float = NAN
    reason: str = ""  # why there is no tau

    @property
    def line(self) -> str:
        """One line of text."""
        limits = f" [{number(self.low, 2)}, {number(self.high, 2)}]" if np.isfinite(self.low) else ""
        found = self.reason or f"tau {number(self.tau, 2)}{limits}"
        have = f"{self.methods} common methods, {self.datasets} common data sets"
        return f"{self.lower} → {self.upper}, {self.modality}: {found} ({have})"


def compare(boards: Iterable[Rung]) -> list[Agreement]:
    """Every pair of rungs, over all data sets and within each modality that both have."""
    found = []
    for lower, upper in combinations(boards, 2):
        shared = [m for m in dict.fromkeys(lower.modality.values()) if m in upper.modality.values()]
        found += [_agreement(lower, upper, modality) for modality in (EVERYTHING, *(shared if len(shared) > 1 else ()))]
    return found


def _agreement(lower: Rung, upper: Rung, modality: str) -> Agreement:
    methods = sorted(lower.methods(modality) & upper.methods(modality))
    common = lower.datasets(modality) & upper.datasets(modality)
    pair = Agreement(lower.name, upper.name, modality, len(methods), len(common))
    if len(methods) < 2:
        return replace(pair, reason=f"one common method ({methods[0]})" if methods else "no common method")
    pairs = Pairs.of(*(rung.order(modality, methods) for rung in (lower, upper)))
    if not pairs.known.any():
        return replace(pair, reason="no two common methods meet on a data set of each board")
    if not np.isfinite(pairs.tau):
        return replace(pair, reason="all common methods are level on a board")
    low, high = pairs.interval()
    return replace(pair, tau=pairs.tau, low=low, high=high)


@dataclass(frozen=True)
class Pairs:
    """Which of two methods is ahead on either board [n, n]; 0 where they are level, or do not meet on both."""

    first: Array
    second: Array
    known: Array

    @classmethod
    def of(cls, first: Array, second: Array) -> Pairs:
        """From both orders, in which pairs that never meet are NaN."""
        known = np.isfinite(first + second) & ~np.eye(len(first), dtype=bool)
        return cls(np.where(known, first, 0.0), np.where(known, second, 0.0), known)

    @property
    def tau(self) -> float:
        """Kendall's tau-b (1945): a pair level on one board counts in the other's norm alone; NaN without a norm."""
        return float(self._taus(np.ones((1, len(self.first))))[0])

    def interval(self, draws: int = DRAWS) -> tuple[float, float]:
        """Percentile interval over methods drawn with replacement; a method makes no pair with itself."""
        n = len(self.first)
        if n < FEWEST:
            return NAN, NAN
        drawn = np.random.default_rng(0).integers(n, size=(draws, n))
        taus = self._taus(np.stack([np.bincount(draw, minlength=n) for draw in drawn]).astype(float))
        low, high = np.nanpercentile(taus, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
        return float(low), float(high)

    def _taus(self, times: Array) -> Array:
        """tau of methods taken so many times [draws, n]."""
        both, one, other = (
            np.einsum("dn,nm,dm->d", times, pairs, times, optimize=True)
            for pairs in (self.first * self.second, self.first**2, self.second**2)
        )
        with np.errstate(invalid="ignore"):
            taus: Array = both / np.sqrt(one * other)
        return taus


def read(folder: Path) -> Rung:
    """The rung of a board's folder."""
    file, table = folder / "leaderboard.json", folder / "results.parquet"
    if missing := [path for path in (file, table) if not path.is_file()]:
        raise FileNotFoundError(f"no {missing[0]}; run the benchmark first: make run")
    feed = json.loads(file.read_text(encoding="utf-8"))
    if "scores" not in feed:
        raise ContractError(f"{file} is not a leaderboard")
    known = pd.read_parquet(table, columns=["dataset", "modality"]).drop_duplicates()
    return Rung.of(feed, dict(zip(known["dataset"], known["modality"], strict=True)))


def ladder(own: Rung, names: list[str], boards: Path) -> tuple[list[Agreement], list[str]]:
    """The agreement of a board with the others of its ladder, and the names of those that do not exist yet."""
    there = [name for name in names if (boards / name / "leaderboard.json").is_file()]
    found = [pair for name in there for pair in compare([read(boards / name), own])]
    return found, [name for name in names if name not in there]


def table(found: list[Agreement], missing: Iterable[str] = ()) -> Table:
    """One line per pair and modality."""
    rows = tuple(
        (
            Entry(f"{pair.lower} → {pair.upper}"),
            Entry(pair.modality),
            Entry(number(pair.tau, 2), below=pair.reason, kind="number"),
            Entry(f"{number(pair.low, 2)} to {number(pair.high, 2)}" if np.isfinite(pair.low) else "–", kind="number"),
            Entry(str(pair.methods), kind="number"),
            Entry(str(pair.datasets) if pair.datasets else "none", kind="number"),
        )
        for pair in found
    )
    note = f"Not run yet: {', '.join(missing)}." if (missing := list(missing)) else ""
    headings = (
        Entry("rungs"),
        Entry("modality"),
        Entry(
            "Kendall’s tau",
            title="tau-b over pairs of common methods; 1: the same order, −1: the reverse",
            kind="number",
        ),
        Entry(f"{LEVEL} % interval", title=f"over methods drawn with replacement; from {FEWEST} on", kind="number"),
        Entry("common methods", kind="number"),
        Entry("common data sets", kind="number"),
    )
    return Table(headings, rows, note)
