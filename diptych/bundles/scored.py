"""Do the scores of a bundle follow from the predictions that are packed? Each place once, on the same true classes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from diptych.boards.frame import lines
from diptych.bundles.pack import MOST_ROWS, PREDICTIONS
from diptych.bundles.read import Bundle
from diptych.catalog import FINE_TUNED
from diptych.metrics.base import Undefined, load, metrics
from diptych.records import PLACE
from diptych.scoring import Place

RECOMPUTED = tuple(name for name, metric in metrics().items() if metric.needs == "labels")
SAME = 1e-9  # what the order of additions may change
ONCE = {"results.parquet": ["cell", *PLACE], "cells.parquet": ["cell"], PREDICTIONS: ["cell", "place"]}
Key = tuple[Any, ...]  # of a score: cell, embedding, probe, corruption, severity, metric


def repeated(bundle: Bundle) -> Iterator[str]:
    """No table has a row twice: a board would take the mean of both."""
    for file, key in ONCE.items():
        table = bundle.table(file)
        twice = table.loc[table.duplicated(key), key].drop_duplicates()
        for cell, *where in twice.itertuples(index=False, name=None):
            yield f"{file}: cell {cell}: {' '.join(map(str, where))}: expected one row, found several"


def predictions(bundle: Bundle) -> Iterator[str]:
    """As many rows are packed as there are, up to the most; digests of predictions are those of the ledger."""
    ledger, table = bundle.json("ledger.json")["cells"], bundle.table(PREDICTIONS)
    for row in lines(table):
        packed, expected = (len(row.label), len(row.chosen)), min(row.n, MOST_ROWS)
        if packed != (expected, expected):
            yield f"{PREDICTIONS}: cell {row.cell}: {row.place}: expected {expected} rows, found {min(packed)}"
    for row in lines(table.drop_duplicates(["cell", "file", "sha256"])):
        if row.sha256 not in ledger.get(row.cell, {}).values():
            yield f"{PREDICTIONS}: cell {row.cell}: {row.file}: no file of the ledger has sha256 {row.sha256}"


def labels(bundle: Bundle) -> Iterator[str]:
    """All cells of a data set and seed have the same test rows, so that their true classes are equal."""
    found: dict[tuple[str, str], list[tuple[str, str, Any]]] = {}
    for row in lines(bundle.table(PREDICTIONS)):
        dataset, *_, seed = row.cell.split("/")
        true = row.n, row.label.astype(int).tobytes()
        found.setdefault((dataset, seed), []).append((row.cell, row.place, true))
    for (dataset, seed), places in found.items():
        usual = Counter(true for *_, true in places).most_common(1)[0][0]
        for cell, place, true in places:
            if true != usual:
                others = f"the true classes of other cells of {dataset}, seed {seed}"
                yield f"{PREDICTIONS}: cell {cell}: {place}: expected {others}, found others"


def scores(bundle: Bundle) -> Iterator[str]:
    """Scores follow from the predictions that are packed, of which every scored place has some."""
    again, stated = dict(_again(bundle)), _stated(bundle)
    packed = {(row.cell, row.place): row.n for row in lines(bundle.table(PREDICTIONS))}
    for place, value in stated.items():
        cell, *where, metric = place
        named, ranks = f"results.parquet: cell {cell}: {' '.join(map(str, (*where, metric)))}", _ranks(bundle, place)
        rows = packed.get((cell, str(Place(*where))), 0)
        if not rows and (ranks or metric in RECOMPUTED):
            yield f"{named}: expected predictions, found none"
        elif place in again and not abs(again[place] - value) <= SAME:
            yield f"{named}: expected {again[place]} (from the predictions), found {value}"
        elif ranks and place not in again and rows <= MOST_ROWS:
            yield f"{named}: expected packed predictions from which it follows, found none"
    for place in (place for place in again.keys() - stated.keys() if not math.isnan(again[place])):
        named = " ".join(map(str, place[1:]))
        yield f"results.parquet: cell {place[0]}: {named}: expected {again[place]}, found no score"
    yield from _unranked(bundle, stated.keys() | again.keys())


def _unranked(bundle: Bundle, told: set[Key]) -> Iterator[str]:
    """Cells that ended well without the score that ranks them, though a metric may be undefined on their rows."""
    probe, empty = bundle.plan.spec.rank_by.probe, _nothing_to_tune(bundle)
    for row in lines(bundle.table("cells.parquet")):
        where = (row.embedding, probe, "clean", 0.0, _metric(bundle, row.cell))
        if row.status == "ok" and (row.cell, *where) not in told and not (probe == FINE_TUNED and row.cell in empty):
            yield f"results.parquet: cell {row.cell}: {' '.join(map(str, where))}: expected a score, found none"


def _nothing_to_tune(bundle: Bundle) -> set[str]:
    """The cells whose encoders have no parameters."""
    trained = (line for line in bundle.records if line["stage"] == "pretrain")
    return {line["cell"] for line in trained if not line["record"].get("parameters")}


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
            yield (*where, metric), _value(metric, label, row.chosen.astype(int))
        if getattr(row, "scores", None) is not None:
            metric = _metric(bundle, str(row.cell))
            yield (*where, metric), _value(metric, label, row.scores.reshape(row.n, -1))


def _value(metric: str, label: Any, predicted: Any) -> float:
    try:
        return float(load(metric)(label, predicted))
    except Undefined:  # one class among the test rows, say
        return math.nan


def followed(bundle: Bundle) -> str:
    """How many of the scores that rank follow from what is packed."""
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
