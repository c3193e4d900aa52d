"""Cells run again: the recorded jobs, in a scratch folder, and how well each score came back."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diptych import evidence, provenance, scoring
from diptych.audits.findings import Finding, Severity
from diptych.audits.integrity import SCORED
from diptych.audits.kept import Kept
from diptych.audits.verdicts import Verdict, spread, verdict, worst
from diptych.parts.optional import Unavailable
from diptych.records import PLACE, ContractError, read_npz, read_table

if TYPE_CHECKING:
    from diptych.plan import Cell, Plan

SHOWN = 5  # scores named for one cell
Place = tuple[Any, ...]


@dataclass(frozen=True)
class Score:
    """One score of a cell, as it was and as it came back."""

    place: Place
    old: float
    new: float
    verdict: Verdict
    expected: str  # by the stored seeds


@dataclass(frozen=True)
class Repeat:
    """One cell run again."""

    cell: Cell
    verdict: Verdict
    reason: str = ""
    scores: tuple[Score, ...] = ()
    elsewhere: tuple[str, ...] = ()  # how this machine and this environment differ from the recorded ones
    files: tuple[str, ...] = ()  # that hold other values

    def findings(self) -> Iterator[Finding]:
        """What is wrong on the machine and lock of the record: shifted scores, and scores that are not equal.

        Elsewhere one score in twenty shifts by chance, and of the forty of a cell nearly always one: a warning. Whether
        the ranking scores of all cells shift too often is asked of all of them together.
        """
        if self.verdict in ("skipped", "not runnable", "stale"):
            severity: Severity = "error" if self.verdict == "not runnable" else "warning"
            yield Finding("rerun", self.cell.path, "", "a job that can run again", self.reason, severity)
            return
        doubtful = self.verdict == "seed-noise" and not self.elsewhere
        if self.verdict != "shifted" and not doubtful:
            return
        level: Severity = "error" if self.verdict == "shifted" and not self.elsewhere else "warning"
        where = f"; other here: {', '.join(self.elsewhere)}" if self.elsewhere else ""
        for file in self.files:
            yield Finding("rerun", self.cell.path, file, "the same values", f"other values{where}", level)
        for score in islice((s for s in self.scores if s.verdict == self.verdict), SHOWN):
            named = " ".join(map(str, score.place))
            found = f"{score.new:.6g}, {score.verdict}{where}"
            yield Finding("rerun", self.cell.path, named, f"{score.old:.6g}, or {score.expected}", found, level)


@dataclass
class Again:
    """Which cells an audit runs again, and what came of it."""

    kept: Kept
    cells: list[Cell]
    budget: float = float("inf")  # seconds, after which no other cell is begun
    done: list[Repeat] = field(default_factory=list)
    others: list[Repeat] = field(default_factory=list)  # further seeds, of rows that came back in doubt

    def run(self) -> Iterator[Finding]:
        """Every chosen cell, while there is time; findings as they come."""
        for cell in self.begun():
            self.done.append(repeated(self.kept, cell))
            yield from self.done[-1].findings()

    def begun(self) -> Iterator[Cell]:
        """The chosen cells with their progress, until the budget is spent."""
        from rich.console import Console
        from rich.progress import track

        start, console = time.monotonic(), Console(stderr=True)
        for cell in track(self.cells, "cells run again", console=console, disable=not console.is_terminal):
            if time.monotonic() - start > self.budget:
                return
            yield cell


def chosen(planned: Plan, count: int | None) -> list[Cell]:
    """Cells to run again (all for None) among those that ended well, from a public seed: the plan's digest.

    Stratified: one cell of every modality and method before a second one of any.
    """
    return list(islice((cell for cell in stratified(planned) if count != 0 and _ended_well(planned, cell)), count))


def stratified(planned: Plan, draw: str = "") -> Iterator[Cell]:
    """All cells in the order in which a sample takes them; `draw` names another sample."""
    rng, strata = random.Random(planned.digest + draw), dict[tuple[str, str], list["Cell"]]()
    for cell in planned.cells:
        strata.setdefault((planned.card(cell.dataset).modality, cell.method), []).append(cell)
    drawn = [rng.sample(cells, len(cells)) for cells in rng.sample(list(strata.values()), len(strata))]
    return (cell for layer in zip_longest(*drawn) for cell in layer if cell)


def _ended_well(planned: Plan, cell: Cell) -> bool:
    try:
        return evidence.read(planned, cell).status == "ok"
    except (ContractError, OSError, ValueError):
        return False  # reported by the other checks


def repeated(kept: Kept, cell: Cell) -> Repeat:
    """The recorded jobs of a cell, run in a scratch folder, and a verdict for each score.

    A record of older code is stale and not run: that code is not here.
    """
    from diptych.replay import rerun

    try:
        said = evidence.read(kept.plan, cell)
        jobs = {stage: record["job"] for stage, record in said.records.items() if stage != "prepare"}
        if old := [stage for stage, job in jobs.items() if _older(kept.plan, cell, stage, job)]:
            return Repeat(cell, "stale", f"{', '.join(old)} of other code than here")
        with tempfile.TemporaryDirectory() as folder:
            made = rerun(kept.plan, cell, jobs, Path(folder), str(said.records["pretrain"].get("device", "cpu")))
            return _judged(kept, cell, made, elsewhere(said.records["pretrain"].get("environment") or {}))
    except Exception as error:
        return unable(cell, error)


def unable(cell: Cell, error: Exception) -> Repeat:
    """A cell that did not run again; skipped, as a run does it, where an optional package is not installed."""
    if isinstance(error, Unavailable):
        return Repeat(cell, "skipped", str(error))
    return Repeat(cell, "not runnable", f"{type(error).__name__}: {error}")


def _older(planned: Plan, cell: Cell, stage: str, job: dict[str, Any]) -> bool:
    return bool(job.get("code") != json.loads(planned.cell_job(stage, cell)).get("code"))


def elsewhere(recorded: dict[str, Any]) -> tuple[str, ...]:
    """How the environment here differs from a recorded one: machine, Python, versions, lock."""
    here = provenance.environment()
    flat = [e | e.get("versions", {}) for e in (recorded, here)]
    names = sorted((flat[0].keys() | flat[1].keys()) - {"versions", "command"})
    return tuple(f"{n} {flat[1].get(n)} (was {flat[0].get(n)})" for n in names if flat[0].get(n) != flat[1].get(n))


def _judged(kept: Kept, cell: Cell, made: dict[str, Path], other_here: tuple[str, ...]) -> Repeat:
    """Old against new files of a cell."""
    old = evidence.cell_files(kept.plan, cell)
    scores: list[Score] = []
    for role, predictions in SCORED.items():
        if role in old:
            same = _same_arrays(old[predictions], made[predictions])
            scores += judged(kept, cell, read_table(old[role]), read_table(made[role]), same)
    arrays = [role for role in ("embeddings", *SCORED.values()) if role in old]
    other = tuple(old[r].name for r in arrays if not all(_same_arrays(old[r], made[r]).values()))
    return Repeat(cell, worst(score.verdict for score in scores), "", tuple(scores), other_here, other)


def _same_arrays(old: Path, new: Path) -> dict[str, bool]:
    """Array -> whether both files hold it with the same bytes."""
    first, second = read_npz(old), read_npz(new)
    return {n: n in first and n in second and _same(first[n], second[n]) for n in first.keys() | second.keys()}


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    nan = first.dtype.kind == "f"
    return first.dtype == second.dtype and bool(np.array_equal(first, second, equal_nan=nan))


def judged(kept: Kept, cell: Cell, old: pd.DataFrame, new: pd.DataFrame, same: dict[str, bool]) -> Iterator[Score]:
    """Verdicts of one score table; what was not predicted (health) is the same when its value is."""
    first, second = by_place(old), by_place(new)
    for place in sorted(first.keys() | second.keys()):
        before, after = first.get(place, float("nan")), second.get(place, float("nan"))
        known = spread(*_seeds(kept, cell, place)) if before != after else spread([before])
        same_bytes = same.get(str(scoring.Place(*place[:-1])), True)
        yield Score(place, before, after, verdict(before, after, same_bytes=same_bytes, known=known), str(known))


def by_place(table: pd.DataFrame) -> dict[Place, float]:
    """The values of a long table by place."""
    return dict(zip(table[list(PLACE)].itertuples(index=False, name=None), table["value"], strict=True))


def _seeds(kept: Kept, cell: Cell, place: Place) -> tuple[list[float], list[list[float]]]:
    """The stored seeds of a cell's score, and those of its method elsewhere."""
    tables = [table for table in kept.results.values() if table["method"].iloc[0] == cell.method]
    rows = pd.concat(tables, ignore_index=True)
    rows = rows[(rows[list(PLACE)] == list(place)).all(axis=1)]
    groups = {key: part["value"].tolist() for key, part in rows.groupby(["dataset", "config"])}
    own = groups.pop((cell.dataset, cell.config), [])
    return own, list(groups.values())
