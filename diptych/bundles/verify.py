"""Does a bundle hold by itself? Checksums, plan, records, scores from class ids, and the leaderboard made again.

Offline, without torch, MLflow or the folder of results.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pandas as pd

from diptych.boards.frame import Board, lines
from diptych.bundles.pack import ABOUT, PLAN, PREDICTIONS, RECORDS, about
from diptych.bundles.read import Bundle, Refused, opened
from diptych.metrics.base import load

if TYPE_CHECKING:
    from diptych.plan import Plan

SHOWN = 20  # findings of one check
RECOMPUTED = ("accuracy", "balanced_accuracy")
PATHS = ("root", "file", "mlflow")  # of a leaderboard: where it was made
RANKED_BY = ("scope", "method", "config", "place", "mean_rank")  # columns that no version may lack
CORE = ("leaderboard", "scores", "status", "rank_by")


def findings(path: Path) -> list[str]:
    """Every way in which a bundle does not hold, as lines."""
    try:
        with opened(path) as bundle:
            return [f"{check.__name__}: {said}" for check in CHECKS for said in islice(_made(check, bundle), SHOWN)]
    except Refused as error:
        return [f"refused: {error}"]


def _made(check: Callable[[Bundle], Iterator[str]], bundle: Bundle) -> Iterator[str]:
    try:
        yield from check(bundle)
    except Exception as error:
        yield f"could not be checked: {type(error).__name__}: {error}"


def plan(bundle: Bundle) -> Iterator[str]:
    """The plan is that of the benchmark file, has every seed of every row, and the board has its cells and no other."""
    told, planned = bundle.json(PLAN), bundle.plan
    named = {PLAN: told["digest"], "ledger.json": bundle.json("ledger.json")["plan"]}
    named["leaderboard.json"] = bundle.json("leaderboard.json")["plan"]
    for file, stated in named.items():
        if stated != planned.digest:
            yield f"{file}: expected the plan {planned.digest}, found {stated}"
    seeds: dict[tuple[str, str, str], set[int]] = {}
    for cell in planned.cells:
        seeds.setdefault((cell.dataset, cell.method, cell.config), set()).add(cell.seed)
    for row, found in seeds.items():
        if found != set(planned.spec.seeds):
            yield f"{PLAN}: {'/'.join(row)}: expected seeds {planned.spec.seeds}, found {sorted(found)}"
    asked = {cell.path for cell in planned.cells}
    listed = {name: set(bundle.table(name)["cell"]) for name in ("results.parquet", "cells.parquet")}
    listed |= {"ledger.json": set(bundle.json("ledger.json")["cells"])}
    listed |= {RECORDS: {line["cell"] for line in bundle.records} - {""}}
    for file, cells in listed.items():
        for name in sorted(asked ^ cells):
            yield f"{file}: cell {name}: expected {'a' if name in asked else 'no'} row"


def records(bundle: Bundle) -> Iterator[str]:
    """Statuses of the table of cells are those of the records."""
    bad: dict[str, str] = {}
    for line in bundle.records:
        if line["cell"] and line["record"]["status"] != "ok":
            bad.setdefault(line["cell"], line["record"]["status"])
    shared = {line["file"].split("/")[1]: line["record"]["status"] for line in bundle.records if not line["cell"]}
    for row in lines(bundle.table("cells.parquet")):
        expected = bad.get(str(row.cell), "ok")
        if row.status != expected and shared.get(str(row.dataset), "ok") == "ok":
            yield f"cells.parquet: cell {row.cell}: expected the status {expected}, found {row.status}"


def predictions(bundle: Bundle) -> Iterator[str]:
    """The digests of predictions are those of the ledger."""
    ledger = bundle.json("ledger.json")["cells"]
    for row in lines(bundle.table(PREDICTIONS).drop_duplicates(["cell", "file"])):
        if row.sha256 not in ledger.get(row.cell, {}).values():
            yield f"{PREDICTIONS}: cell {row.cell}: {row.file}: no file of the ledger has sha256 {row.sha256}"


def scores(bundle: Bundle) -> Iterator[str]:
    """Accuracy and balanced accuracy follow from the class ids, where all of them are packed."""
    table = bundle.table("results.parquet")
    table = table[table["metric"].isin(RECOMPUTED)]
    places = ["cell", "embedding", "probe", "corruption", "severity", "metric"]
    stated = dict(zip(table[places].itertuples(index=False, name=None), table["value"], strict=True))
    for row in lines(bundle.table(PREDICTIONS)):
        if len(row.label) != row.n or not row.n:
            continue
        embedding, probe, corruption, severity = str(row.place).split("|")
        for metric in RECOMPUTED:
            place = (row.cell, embedding, probe, corruption, float(severity), metric)
            again, value = float(load(metric)(row.label.astype(int), row.chosen.astype(int))), stated.get(place)
            if value is None or abs(value - again) > 1e-9:
                named = " ".join(map(str, place[1:]))
                yield f"results.parquet: cell {row.cell}: {named}: expected {again} (from the class ids), found {value}"


def leaderboard(bundle: Bundle) -> Iterator[str]:
    """The leaderboard, made again from the bundled results, is the bundled one."""
    from diptych.boards.page import feeds

    planned = cast("Plan", bundle.plan)  # boards read nothing else of a plan
    table, feed = feeds(Board(planned, bundle.folder), "")
    made, found = (_text(text) for text in (table.to_csv(index=False), bundle.content["leaderboard.csv"].decode()))
    shared = [column for column in found if column in made]  # other versions tell other things, too
    if not set(RANKED_BY) <= set(shared) or not made[shared].equals(found[shared]):
        yield "leaderboard.csv: expected the leaderboard of results.parquet, found another"
    told, again = bundle.json("leaderboard.json"), json.loads(json.dumps(feed))
    for name in sorted((told.keys() & again.keys() | set(CORE)) - set(PATHS)):
        if told.get(name) != again.get(name):
            yield f"leaderboard.json: {name}: expected what follows from results.parquet, found another"


def _text(content: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(content), dtype=str, keep_default_na=False)


def environment(bundle: Bundle) -> Iterator[str]:
    """Machines and versions are those of the records."""
    if bundle.json(ABOUT) != json.loads(json.dumps(about([line["record"] for line in bundle.records]))):
        yield f"{ABOUT}: expected what the records say, found another"


CHECKS = (plan, records, predictions, scores, leaderboard, environment)
