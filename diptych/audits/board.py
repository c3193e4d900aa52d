"""Does the board say what the cells say? The long table, its copy, MLflow, and the leaderboard, each made again."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from diptych.aggregate import Tracked
from diptych.audits.findings import Finding
from diptych.audits.kept import Case, Kept
from diptych.boards.frame import BEYOND
from diptych.records import PLACE, read_json, read_table
from diptych.track import own_tags

SHOWN = 5  # differing values named for one cell and file
ABSENT = "nothing"


def planned(kept: Kept) -> Iterator[Finding]:
    """Both tables have rows for every planned cell and for no other."""
    asked = {case.name for case in kept.cases}
    for file, cells in (("results.parquet", kept.results.keys()), ("cells.parquet", kept.cells.keys())):
        for cell in sorted(asked ^ cells):
            states = ("a row", "none") if cell in asked else ("no row", "one")
            yield Finding("board", cell, file, *states)


def results(case: Case) -> Iterator[Finding]:
    """The long table says of a cell what its files say."""
    table = case.kept.results.get(case.name)
    if table is None:
        return  # told by `planned`
    said = case.said
    if twice := case.kept.repeated[case.name]:
        yield Finding("board", case.name, "results.parquet", "every score once", f"{twice} that stand there again")
    yield from _values(case, "results.parquet", _scores(said.scores), _scores(table[table["metric"] != ""]))
    stated = {name: getattr(case.cell, name) for name in ("dataset", "condition", "method", "config", "seed")}
    stated |= {"benchmark": case.kept.plan.name, "modality": case.kept.plan.card(case.cell.dataset).modality}
    stated |= {"role": case.kept.plan.role(case.cell), "params": json.dumps(_params(case), sort_keys=True)}
    stated |= {"status": said.status, "key": said.key}
    stated |= {name: said.cost[f"cost/{name}"] for name in ("seconds", "parameters") if f"cost/{name}" in said.cost}
    for name, value in stated.items():
        for other in set(table[name]) - {value}:
            yield Finding("board", case.name, f"results.parquet: {name}", str(value), str(other))


def cells(case: Case) -> Iterator[Finding]:
    """The table of cells, from which rows and ranks are made, says what the files say."""
    row = case.kept.cells.get(case.name, {})
    stated = own_tags(case.kept.plan, case.said) | {"seed": case.cell.seed}
    stated["params"] = json.dumps(_params(case), sort_keys=True)
    for name, value in stated.items():
        if row and row.get(name) != value:
            yield Finding("board", case.name, f"cells.parquet: {name}", str(value), str(row.get(name)))


def _params(case: Case) -> dict[str, str]:
    return {name: str(value) for name, value in case.kept.plan.flat(case.cell).items()}


def _scores(table: pd.DataFrame) -> dict[tuple[Any, ...], float]:
    return dict(zip(table[list(PLACE)].itertuples(index=False, name=None), table["value"], strict=True))


def _values(case: Case, file: str, stated: dict[Any, float], found: dict[Any, float]) -> Iterator[Finding]:
    """The first few places where two tables differ."""
    places = sorted(stated.keys() | found.keys())
    others = (p for p in places if not _same(stated.get(p), found.get(p)))
    for place in islice(others, SHOWN):
        named = " ".join(map(str, place))
        yield Finding("board", case.name, f"{file}: {named}", f"{stated.get(place)} (files)", str(found.get(place)))


def _same(first: float | None, second: float | None) -> bool:
    if first is None or second is None:
        return first is second
    return bool(first == second or (np.isnan(first) and np.isnan(second)))


def tracked(case: Case) -> Iterator[Finding]:
    """MLflow has one run of the cell, which ended and says what the files say."""
    kept = case.kept
    runs = kept.runs.get(case.name, [])
    if len(runs) != 1 or runs[0].info.status == "RUNNING":
        found = f"{len(runs)} runs" if len(runs) != 1 else "a run that never ended"
        yield Finding("mlflow", case.name, "run", "one run that ended", found)
        return
    own = Tracked(kept.plan, kept.store, {case.cell: runs[0]})
    for d in own.differences(case.said, own.scores(case.cell)):
        yield Finding("mlflow", case.name, d["metric"], f"{d['files']} (files)", f"{d['mlflow']} (MLflow)")
    for name, value in (_params(case) if runs[0].data.params != _params(case) else {}).items():
        if runs[0].data.params.get(name) != value:
            found = f"{runs[0].data.params.get(name)} (MLflow)"
            yield Finding("mlflow", case.name, f"parameter {name}", f"{value} (plan)", found)
    table = kept.results.get(case.name)
    for other in set() if table is None else set(table["run_id"]) - {runs[0].info.run_id}:
        yield Finding("mlflow", case.name, "results.parquet: run_id", runs[0].info.run_id, other)


def unplanned(kept: Kept) -> Iterator[Finding]:
    """MLflow has no run of a cell that the plan no longer asks for: dropping a cell is a choice to be told."""
    asked = {case.name for case in kept.cases}
    if dropped := sorted(kept.runs.keys() - asked):
        found = f"{len(dropped)} other cells, the first {dropped[0]}"
        yield Finding("dropped", dropped[0], "MLflow", "runs of planned cells alone", found, "warning")


def copies(kept: Kept) -> Iterator[Finding]:
    """results.csv is results.parquet."""
    table = read_table(kept.folder / "results.parquet")
    yield from _as_text(table, kept.folder / "results.csv")


def leaderboard(kept: Kept) -> Iterator[Finding]:
    """The leaderboard, made again from the long table, says the same."""
    from diptych.boards.page import feeds

    if not kept.whole:
        return  # told by `planned`
    table, feed = feeds(kept.board, kept.uri)
    yield from _as_text(table, kept.folder / "leaderboard.csv")
    found, made = read_json(kept.folder / "leaderboard.json"), json.loads(json.dumps(feed))
    compared = ({name: value for name, value in f.items() if name not in BEYOND} for f in (made, found))
    places = list(_apart(*compared))
    yield from _unlike("leaderboard.json", {re.sub(r"\[\d+\]", "", place) for place, *two in places if ABSENT in two})
    others = (place for place in places if ABSENT not in place)
    for _, own in groupby(others, lambda place: re.split(r"[.\[]", place[0])[1]):
        for where, expected, seen in islice(own, SHOWN):
            yield Finding("leaderboard", "all", f"leaderboard.json: {where[1:]}", expected, seen)


def _apart(made: Any, found: Any) -> Iterator[tuple[str, str, str]]:
    """Where two JSON values differ, and what each says there."""
    if isinstance(made, dict) and isinstance(found, dict):
        for name in sorted(made.keys() | found.keys()):
            two = made.get(name, ABSENT), found.get(name, ABSENT)
            yield from ((f".{name}{w}", e, s) for w, e, s in _apart(*two))
    elif isinstance(made, list) and isinstance(found, list) and len(made) == len(found):
        for number, pair in enumerate(zip(made, found, strict=True)):
            yield from ((f"[{number}]{w}", e, s) for w, e, s in _apart(*pair))
    elif made != found:
        yield "", str(made), str(found)


def _unlike(file: str, names: set[str]) -> Iterator[Finding]:
    """One finding for all fields that one side alone has: the file is of another version of diptych, or of a hand."""
    if names:
        apart = ", ".join(sorted(name.lstrip(".") for name in names))
        found = f"on one side alone {apart}: diptych report makes it again"
        yield Finding(_check(Path(file)), "all", file, "the fields that this version writes", found)


def _as_text(table: pd.DataFrame, path: Path) -> Iterator[Finding]:
    """The first few places where a csv differs from the table that it was written from."""
    made, found = _text(io.StringIO(table.to_csv(index=False))), _text(path)
    yield from _unlike(path.name, {*made.columns} ^ {*found.columns})
    if len(made) != len(found):
        yield Finding(_check(path), "all", path.name, f"{len(made)} rows", f"{len(found)} rows")
        return
    shared = [name for name in made.columns if name in found.columns]
    made, found = made[shared], found[shared]
    for row, column in islice(zip(*np.nonzero((made != found).to_numpy()), strict=True), SHOWN):
        expected, seen = (str(t.iat[row, column]) for t in (made, found))
        yield Finding(_check(path), _named(made.iloc[row]), f"{path.name}: {made.columns[column]}", expected, seen)


def _text(source: Any) -> pd.DataFrame:
    return pd.read_csv(source, dtype=str, keep_default_na=False)


def _check(path: Path) -> str:
    return "leaderboard" if path.stem == "leaderboard" else "board"


def _named(row: pd.Series[Any]) -> str:
    """The cell of a result, the row of a leaderboard."""
    return str(row["cell"]) if "cell" in row else " ".join(filter(None, (row["scope"], row["method"], row["config"])))
