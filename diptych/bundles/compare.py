"""Two releases of a benchmark, each a bundle or a board's folder: rows, verdicts, versions, ranks, effects."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from diptych.audits.verdicts import Verdict, close, rbo, spread, tau, too_many, verdict
from diptych.bundles.pack import ABOUT
from diptych.bundles.read import members
from diptych.plan import row_of
from diptych.records import PLACE, ContractError

SCORE = ("cell", *PLACE)
PREDICTIONS = "predictions.npz"
SHOWN = 20  # rows named in text
FLOOR, RANKED = "random", "self-supervised"
SUMMARIES = {
    "tau": "Kendall's tau",
    "rbo": "rank-biased overlap",
    "effect_ratio": "effect ratio",
    "rmse": "RMSE of ranking scores",
}
MADE_BY = ("code", "data", "commit", "lock")  # columns of the table of cells


@dataclass(frozen=True)
class Side:
    """A bundle or a board's folder."""

    path: Path

    @cached_property
    def _members(self) -> dict[str, bytes]:
        if not self.path.is_dir():
            return members(self.path)
        if not (self.path / "results.parquet").exists():
            raise ContractError(f"{self.path} is neither a bundle nor the folder of a board: it has no results.parquet")
        names = ("results.parquet", "cells.parquet", "ledger.json", "leaderboard.json", ABOUT)
        return {name: (self.path / name).read_bytes() for name in names if (self.path / name).exists()}

    def json(self, name: str) -> Any:
        """A JSON file; nothing where there is none."""
        return json.loads(self._members.get(name, b"{}"))

    @cached_property
    def results(self) -> pd.DataFrame:
        """The scores of the long table, each with its row."""
        table = pd.read_parquet(io.BytesIO(self._members["results.parquet"]))
        return table[table["metric"] != ""].assign(row=_rows(table))

    @cached_property
    def cells(self) -> pd.DataFrame:
        """The table of cells, each with its row."""
        table = pd.read_parquet(io.BytesIO(self._members["cells.parquet"]))
        return table.assign(row=_rows(table))

    @cached_property
    def scores(self) -> dict[tuple[Any, ...], float]:
        """Every score by cell and place."""
        return dict(
            zip(self.results[list(SCORE)].itertuples(index=False, name=None), self.results["value"], strict=True)
        )

    @cached_property
    def predictions(self) -> dict[str, list[str]]:
        """The digests of each cell's predictions."""
        ledger = self.json("ledger.json").get("cells", {})
        return {c: [d for f, d in sorted(files.items()) if f.endswith(PREDICTIONS)] for c, files in ledger.items()}

    @cached_property
    def ranked(self) -> dict[Hashable, tuple[float, str, str]]:
        """The ranking score of each row of each task, its role and its method."""
        told = self.json("leaderboard.json").get("scores", [])
        return {
            (s["dataset"], s["condition"], s["method"], s["config"]): (_number(s["mean"]), s["role"], s["method"])
            for s in told
        }

    @cached_property
    def conclusions(self) -> dict[Hashable, int]:
        """Whether each ranked row of each task is above (1), tied with (0) or below (−1) its untrained encoder."""
        told = [s for s in self.json("leaderboard.json").get("scores", []) if s["role"] == RANKED]
        return {
            (s["dataset"], s["condition"], s["method"], s["config"]): s["against_random"]
            for s in told
            if s.get("against_random") is not None
        }

    @cached_property
    def ranks(self) -> dict[Hashable, float]:
        """Mean rank of each row over all data sets."""
        rows = self.json("leaderboard.json").get("leaderboard", [])
        return {(r["method"], r["config"]): _number(r["mean_rank"]) for r in rows if r["scope"] == "all"}


def _rows(table: pd.DataFrame) -> pd.Series[Any]:
    return table["cell"].map(row_of)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def compared(first: Path, second: Path) -> dict[str, Any]:
    """Everything in which the second differs from the first, the reference."""
    a, b = Side(first), Side(second)
    judged = _verdicts(a, b)
    by = Counter((key[0].split("/")[1], found) for key, found in judged.items())
    total = Counter(judged.values())
    other = dict.fromkeys(row_of(key[0]) for key, found in judged.items() if found != "identical")
    rows = [dict.fromkeys(side.cells["row"]) for side in (a, b)]
    return {
        "a": first.name,
        "b": second.name,
        "added": [row for row in rows[1] if row not in rows[0]],
        "removed": [row for row in rows[0] if row not in rows[1]],
        "rescored": list(other),
        "verdicts": dict(total),
        "p": too_many(total["shifted"], len(judged)),
        "methods": {m: {v: n for (o, v), n in by.items() if o == m} for m in dict.fromkeys(m for m, _ in by)},
        "differences": _differences(a, b),
        "tau": _known(tau(a.ranks, b.ranks)),
        "rbo": _known(rbo(a.ranks, b.ranks)),
        "conclusions": _conclusions(a, b),
    } | _effects(a, b)


def _verdicts(a: Side, b: Side) -> dict[tuple[Any, ...], Verdict]:
    """Of every score that both have, by the seeds of the first."""
    groups: dict[tuple[Any, ...], dict[str, list[float]]] = {}
    for row, key, value in zip(a.results["row"], a.scores, a.results["value"], strict=True):
        groups.setdefault((row.split("/")[1], *key[1:]), {}).setdefault(row, []).append(float(value))
    found: dict[tuple[Any, ...], Verdict] = {}
    for key in (key for key in a.scores if key in b.scores):
        old, new, cell = float(a.scores[key]), float(b.scores[key]), key[0]
        same = a.predictions.get(cell) == b.predictions.get(cell)
        seeds = groups[cell.split("/")[1], *key[1:]] if not close(old, new) else {}
        row = row_of(cell)
        known = spread(seeds.get(row, [old]), [values for other, values in seeds.items() if other != row])
        found[key] = verdict(old, new, same_bytes=same, known=known)
    return found


def _differences(a: Side, b: Side) -> dict[str, list[list[str]]]:
    """What made the two, where that differs: for code and data the rows, for machines and versions the values."""
    told: dict[str, list[list[str]]] = {}
    cells = [side.cells.set_index("cell") for side in (a, b)]
    shared = cells[0].index.intersection(cells[1].index)
    for name in (name for name in MADE_BY if name in cells[0] and name in cells[1]):
        old, new = (table.loc[shared, name].astype(str) for table in cells)
        if pairs := sorted({(first, second) for first, second in zip(old, new, strict=True) if first != second}):
            told[name] = [list(pair) for pair in pairs]
    here = [_environment(side) for side in (a, b)]
    for name in sorted(here[0].keys() & here[1].keys()):
        if here[0][name] != here[1][name]:
            told[name] = [[", ".join(sorted(here[0][name])), ", ".join(sorted(here[1][name]))]]
    return told


def _environment(side: Side) -> dict[str, set[str]]:
    """Every value of machine, Python and versions; only bundles tell."""
    found: dict[str, set[str]] = {}
    for environment in side.json(ABOUT).get("environments", []):
        for name, value in (environment | environment.get("versions", {})).items():
            if name not in ("versions", "cells", "command", "lock"):
                found.setdefault(name, set()).add(str(value))
    return found


def _conclusions(a: Side, b: Side) -> dict[str, int]:
    """How many verdicts against the untrained encoder both have, and how many are the same."""
    shared = a.conclusions.keys() & b.conclusions.keys()
    return {"shared": len(shared), "same": sum(a.conclusions[key] == b.conclusions[key] for key in shared)}


def _effects(a: Side, b: Side) -> dict[str, float | None]:
    """RMSE of the ranking scores that both have; mean gain over the random encoder, new over old (effect ratio)."""
    shared = [k for k in a.ranked if k in b.ranked and isfinite(a.ranked[k][0]) and isfinite(b.ranked[k][0])]
    gaps = np.array([b.ranked[k][0] - a.ranked[k][0] for k in shared])
    gains = [_gain(side, shared) for side in (a, b)]
    ratio = gains[1] / gains[0] if gains[0] else float("nan")
    return {"rmse": _known(float(np.sqrt(np.mean(gaps**2)))) if shared else None, "effect_ratio": _known(ratio)}


def _gain(side: Side, shared: list[Any]) -> float:
    """Mean of score minus that of the random encoders of the same task, over self-supervised rows."""
    floors: dict[Any, list[float]] = {}
    for key in (key for key in shared if side.ranked[key][2] == FLOOR):
        floors.setdefault(key[:2], []).append(side.ranked[key][0])
    ours = [key for key in shared if side.ranked[key][1] == RANKED and key[:2] in floors]
    gains = [side.ranked[key][0] - float(np.mean(floors[key[:2]])) for key in ours]
    return float(np.mean(gains)) if gains else float("nan")


def _known(value: float) -> float | None:
    return value if isfinite(value) else None


def lines(told: dict[str, Any]) -> list[str]:
    """A comparison in words."""
    said = [f"{told['b']} against {told['a']}", f"scores: {_counts(told['verdicts'])}"]
    said += [f"  {method}: {_counts(counts)}" for method, counts in told["methods"].items()]
    for name in ("added", "removed", "rescored"):
        rows = told[name]
        more = [f"  … and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
        said += [f"rows {name}: {len(rows)}", *(f"  {row}" for row in rows[:SHOWN]), *more]
    for name, pairs in told["differences"].items():
        said += [f"{name}: {len(pairs)} differences, the first {pairs[0][0]} → {pairs[0][1]}"]
    held = told["conclusions"]
    said.append(f"above, tied with or below the untrained encoder: {held['same']} of {held['shared']} the same")
    said += [f"{title}: {'unknown' if told[n] is None else format(told[n], '.4g')}" for n, title in SUMMARIES.items()]
    return said


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.items()) or "none in both"
