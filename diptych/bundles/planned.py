"""Does a bundle hold what was planned? Its cells, cards, what tables say of each cell, statuses and recorded jobs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from diptych import catalog
from diptych.boards.frame import lines
from diptych.bundles.pack import PLAN, RECORDS
from diptych.bundles.read import Bundle
from diptych.data.subset import board_name
from diptych.grid import PRETRAIN_ON, flattened
from diptych.plan import Cell, Plan, role_of

TABLES = ("results.parquet", "cells.parquet")
IDENTITY = ("dataset", "modality", "condition", "method", "role", "config", "seed", "params")
TOLD = {"results.parquet": ("benchmark", *IDENTITY), "cells.parquet": (*IDENTITY, "embedding")}
OF_CARDS = ("modality", "metric", "classes")  # what scores and ranks depend on
EVERY = ("pretrain", "embed", "probe")  # stages that each cell has a record of
CELL = ("dataset", "method", "config", "seed")  # as the job of pretraining names it


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
    listed = {name: set(bundle.table(name)["cell"]) for name in TABLES}
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


def cards(bundle: Bundle) -> Iterator[str]:
    """Built-in data sets are scored as their cards here say; own data have none here."""
    for entry in (entry for entry in bundle.plan.spec.datasets if isinstance(entry, str)):
        here, told = catalog.datasets()[entry.partition("@")[0]], bundle.plan.card(board_name(entry))
        for name in OF_CARDS:
            if getattr(told, name) != getattr(here, name):
                expected, found = getattr(here, name), getattr(told, name)
                yield f"{PLAN}: card of {told.name}: {name}: expected {expected}, found {found}"


def identities(bundle: Bundle) -> Iterator[str]:
    """Tables say of a cell what was planned under its name: boards make rows, tasks and ranks of what they say."""
    ranked = {line["cell"]: _ranked(line["record"]) for line in bundle.records if line["stage"] == "embed"}
    asked = {cell.path: _planned(bundle, cell) | {"embedding": ranked.get(cell.path)} for cell in bundle.plan.cells}
    for file, names in TOLD.items():
        table = bundle.table(file)
        there = [name for name in names if name in table]
        for row in table[["cell", *there]].drop_duplicates().to_dict("records"):
            if cell := asked.get(row["cell"]):  # others are found by `plan`
                for said in _apart(_spread({name: cell[name] for name in there}), _spread(row)):
                    yield f"{file}: cell {row['cell']}: {said}"


def _ranked(embedded: dict[str, Any]) -> str:
    """The embedding that boards rank: the first one."""
    return str(next(iter(embedded.get("embeddings") or []), ""))


def _planned(bundle: Bundle, cell: Cell) -> dict[str, Any]:
    flat = bundle.plan.flat(cell)
    return {
        "benchmark": bundle.plan.name,
        "dataset": cell.dataset,
        "modality": bundle.plan.card(cell.dataset).modality,
        "condition": cell.condition,
        "method": cell.method,
        "role": role_of(cell.method, flat),
        "config": cell.config,
        "seed": cell.seed,
        "params": json.dumps({name: _text(value) for name, value in flat.items()}),
    }


def _text(value: Any) -> str:
    """A parameter as it was tracked: what JSON made a list of was a tuple."""
    return str(tuple(value) if isinstance(value, list) else value)


def _spread(told: Mapping[Hashable, Any]) -> dict[str, str]:
    """What is said of a cell, its parameters one by one."""
    params = {f"parameter {name}": text for name, text in json.loads(told["params"]).items()}
    return {str(name): str(value) for name, value in told.items() if name not in ("params", "cell")} | params


def _apart(expected: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """Where two accounts of a cell differ."""
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            yield f"{name}: expected {expected.get(name)}, found {found.get(name)}"


def records(bundle: Bundle) -> Iterator[str]:
    """Statuses of both tables are those of the records, of which every cell has one of each stage."""
    made = Counter((line["cell"], line["stage"]) for line in bundle.records)
    for cell in bundle.plan.cells:
        for stage in EVERY:
            if made[cell.path, stage] != 1:
                yield f"{RECORDS}: cell {cell.path}: {stage}: expected one record, found {made[cell.path, stage]}"
    bad: dict[str, str] = {}
    for line in bundle.records:
        if line["cell"] and line["record"]["status"] != "ok":
            bad.setdefault(line["cell"], line["record"]["status"])
    shared = {line["file"].split("/")[1]: line["record"]["status"] for line in bundle.records if not line["cell"]}
    for file in TABLES:
        for row in lines(bundle.table(file)[["cell", "dataset", "status"]].drop_duplicates()):
            expected = bad.get(str(row.cell), "ok")
            if row.status != expected and shared.get(str(row.dataset), "ok") == "ok":
                yield f"{file}: cell {row.cell}: expected the status {expected}, found {row.status}"


def jobs(bundle: Bundle) -> Iterator[str]:
    """Recorded jobs are of their cells: the seed in each, all settings in that of pretraining."""
    asked = {cell.path: cell for cell in bundle.plan.cells}
    for line in bundle.records:
        if cell := asked.get(line["cell"]):
            job = line["record"].get("job") or {}
            expected, found = {"seed": cell.seed}, {"seed": job.get("seed")}
            if line["stage"] == "pretrain":
                expected |= {name: getattr(cell, name) for name in CELL} | _asked(bundle.plan.flat(cell))
                found |= {name: job.get(name) for name in CELL} | _trained(job)
            yield from (f"{RECORDS}: cell {cell.path}: {line['stage']}: {said}" for said in _apart(expected, found))


def _asked(flat: dict[str, Any]) -> dict[str, Any]:
    """The settings of an encoder; what imputes its data is no part of them."""
    return {f"setting {name}": value for name, value in flat.items() if name != "impute"}


def _trained(job: dict[str, Any]) -> dict[str, Any]:
    source = {PRETRAIN_ON: job[PRETRAIN_ON]} if PRETRAIN_ON in job else {}
    return _asked((flattened(job["settings"]) if "settings" in job else {}) | source)
