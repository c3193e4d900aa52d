"""Does a bundle hold by itself? Checksums, plan, records, scores from class ids, and the leaderboard made again.

Offline, without torch, MLflow or the folder of results.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pandas as pd

from diptych.boards.frame import Board, lines
from diptych.bundles.pack import ABOUT, PLAN, PREDICTIONS, RECORDS, about
from diptych.bundles.read import Bundle, Refused, opened
from diptych.metrics.base import load, metrics
from diptych.plan import Plan
from diptych.records import PLACE
from diptych.scoring import Place

SHOWN = 20  # findings of one check
RECOMPUTED = tuple(name for name, metric in metrics().items() if metric.needs == "labels")
SAME = 1e-9  # what the order of additions may change
Key = tuple[Any, ...]  # of a score: cell, embedding, probe, corruption, severity, metric
PATHS = ("root", "file", "mlflow")  # of a leaderboard: where it was made
RANKED_BY = ("scope", "method", "config", "place", "mean_rank")  # columns that no version may lack
CORE = ("leaderboard", "scores", "status", "rank_by")


def findings(path: Path) -> list[str]:
    """Every way in which a bundle does not hold, as lines."""
    return verified(path)[0]


def verified(path: Path) -> tuple[list[str], str]:
    """The same, and how many of the scores that rank follow from what is packed; nothing of a file that is refused."""
    try:
        with opened(path) as bundle:
            found = [f"{check.__name__}: {said}" for check in CHECKS for said in islice(_made(check, bundle), SHOWN)]
            return found, _followed(bundle)
    except Refused as error:
        return [f"refused: {error}"], ""


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
    yield from _complete(bundle)
    asked = {cell.path for cell in planned.cells}
    listed = {name: set(bundle.table(name)["cell"]) for name in ("results.parquet", "cells.parquet")}
    listed |= {"ledger.json": set(bundle.json("ledger.json")["cells"])}
    listed |= {RECORDS: {line["cell"] for line in bundle.records} - {""}}
    for file, cells in listed.items():
        for name in sorted(asked ^ cells):
            yield f"{file}: cell {name}: expected {'a' if name in asked else 'no'} row"


def _complete(bundle: Bundle) -> Iterator[str]:
    """As many cells of each method on each data set as the file asks for; own data are not in a bundle."""
    if any(not isinstance(entry, str) for entry in bundle.plan.spec.datasets):
        return
    asked = Plan(bundle.plan.benchmark.as_posix(), bundle.folder.as_posix())
    counts = [Counter((cell.dataset, cell.method) for cell in planned.cells) for planned in (asked, bundle.plan)]
    for dataset, method in sorted(counts[0].keys() | counts[1].keys()):
        wanted, found = (count[dataset, method] for count in counts)
        if wanted != found:
            yield f"{PLAN}: expected {wanted} cells of {method} on {dataset}, as the file asks for, found {found}"


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
    """Scores follow from the predictions that are packed, of which every scored place has some."""
    again, stated = dict(_again(bundle)), _stated(bundle)
    predicted = set(bundle.table(PREDICTIONS)[["cell", "place"]].itertuples(index=False, name=None))
    for place, value in stated.items():
        cell, *where, metric = place
        named = f"results.parquet: cell {cell}: {' '.join(map(str, (*where, metric)))}"
        if metric in RECOMPUTED and (cell, str(Place(*where))) not in predicted:
            yield f"{named}: expected predictions, found none"
        elif place in again and not abs(again[place] - value) <= SAME:
            yield f"{named}: expected {again[place]} (from the predictions), found {value}"
    for place in again.keys() - stated.keys():
        named = " ".join(map(str, place[1:]))
        yield f"results.parquet: cell {place[0]}: {named}: expected {again[place]}, found no score"


def _stated(bundle: Bundle) -> dict[Key, float]:
    table = bundle.table("results.parquet")
    table = table[(table["metric"] != "") & table["value"].notna()]
    return dict(zip(table[["cell", *PLACE]].itertuples(index=False, name=None), table["value"], strict=True))


def _again(bundle: Bundle) -> Iterator[tuple[Key, float]]:
    """Every score that can be made again: where all rows are packed, from class ids or from the scores of classes."""
    for row in lines(bundle.table(PREDICTIONS)):
        if not _whole(row):
            continue
        embedding, probe, corruption, severity = str(row.place).split("|")
        where, label = (row.cell, embedding, probe, corruption, float(severity)), row.label.astype(int)
        for metric in RECOMPUTED:
            yield (*where, metric), float(load(metric)(label, row.chosen.astype(int)))
        if getattr(row, "scores", None) is not None:
            metric = _metric(bundle, str(row.cell))
            yield (*where, metric), float(load(metric)(label, row.scores.reshape(row.n, -1)))


def _followed(bundle: Bundle) -> str:
    ranking = [place for place in _stated(bundle) if _ranks(bundle, place)]
    packed = {(row.cell, row.place) for row in lines(bundle.table(PREDICTIONS)) if _tells(bundle, row)}
    told = sum((place[0], str(Place(*place[1:-1]))) in packed for place in ranking)
    return f"{told} of {len(ranking)} ranking scores follow from packed predictions"


def _whole(row: Any) -> bool:
    """Whether all rows of a place are packed."""
    return bool(row.n) and len(row.label) == row.n


def _tells(bundle: Bundle, row: Any) -> bool:
    """Whether the metric that ranks a cell follows from what is packed of a place."""
    return _whole(row) and (_metric(bundle, row.cell) in RECOMPUTED or getattr(row, "scores", None) is not None)


def _ranks(bundle: Bundle, place: Key) -> bool:
    cell, _, probe, corruption, _, metric = place
    return (probe, corruption, metric) == (bundle.plan.spec.rank_by.probe, "clean", _metric(bundle, str(cell)))


def _metric(bundle: Bundle, cell: str) -> str:
    """The metric by which a cell is ranked."""
    return bundle.plan.spec.rank_by.on(bundle.plan.card(cell.partition("/")[0]))


def leaderboard(bundle: Bundle) -> Iterator[str]:
    """The leaderboard, made again from the bundled results, is the bundled one."""
    from diptych.boards.page import feeds

    planned = cast(Plan, bundle.plan)  # boards read nothing else of a plan
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
