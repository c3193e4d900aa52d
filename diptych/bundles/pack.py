"""A finished benchmark as one zip: the same files give the same bytes, and nothing in it is a pickle."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diptych import evidence
from diptych.metrics.base import load
from diptych.provenance import LOCK
from diptych.records import atomic, read_json, read_npz, sha256

if TYPE_CHECKING:
    from diptych.plan import Cell, Plan

EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member: the first day that a zip knows
MANIFEST, PLAN, RECORDS, PREDICTIONS, ABOUT = (
    "MANIFEST.json",
    "plan.json",
    "records.jsonl",
    "predictions.parquet",
    "about.json",
)
BOARD = (
    "results.parquet",
    "cells.parquet",
    "ledger.json",
    "leaderboard.csv",
    "leaderboard.json",
)
OLDER = "leaderboard.md"  # which earlier versions packed; it follows from the rest, and nothing reads it
LOCKED = "requirements.lock"
FILES = "benchmark"  # the folder of the benchmark file and of the published numbers that it names
MOST_ROWS = 2000  # of predictions that are packed; the digest is that of the whole file
PREDICTED = {"predictions": "scores", "robustness_predictions": "robustness", "finetune_predictions": "finetune"}


def write(planned: Plan, out: Path) -> None:
    """Pack the board of a plan and everything that it rests on."""
    members = dict(sorted(_members(planned).items()))
    manifest = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    atomic(out, lambda path: zipped(path, members | {MANIFEST: _json(manifest)}))


def zipped(path: Path, members: dict[str, bytes]) -> None:
    """Members in the order given, without the clock and without the rights of this machine's files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(entry, content, compresslevel=9)


def _json(content: Any) -> bytes:
    return (json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def _members(planned: Plan) -> dict[str, bytes]:
    board = planned.root / "boards" / planned.name
    records = list(_records(planned))
    members = {name: (board / name).read_bytes() for name in BOARD}
    members |= {f"{FILES}/{path.name}": path.read_bytes() for path in _files(planned)}
    members[PLAN] = _json(_plan(planned))
    members[RECORDS] = "".join(json.dumps(line, sort_keys=True) + "\n" for line in records).encode()
    members[PREDICTIONS] = _parquet(
        pd.DataFrame([row for cell in planned.cells for row in _predictions(planned, cell)])
    )
    members[ABOUT] = _json(about([line["record"] for line in records]))
    return members | ({LOCKED: LOCK.read_bytes()} if LOCK.exists() else {})


def _files(planned: Plan) -> list[Path]:
    return [planned.benchmark, *(planned.benchmark.parent / name for name in planned.spec.registries)]


def _plan(planned: Plan) -> dict[str, Any]:
    """What a board needs to know of a plan."""
    flats = {f"{c.dataset}/{c.method}/{c.config}": planned.flat(c) for c in planned.cells}
    return {
        "name": planned.name,
        "digest": planned.digest,
        "benchmark": planned.benchmark.name,
        "cells": [[c.dataset, c.method, c.config, c.seed, c.condition] for c in planned.cells],
        "flat": flats,
        "default": {f"{c.dataset}/{c.method}": planned.default(c.dataset, c.method) for c in planned.cells},
        "cards": {name: card.model_dump(mode="json") for name, card in planned.cards.items()},
    }


def _records(planned: Plan) -> Iterator[dict[str, Any]]:
    """The record of every stage of every cell; those of data once, since cells share them."""
    told: set[Path] = set()
    for cell in planned.cells:
        files = evidence.require(planned, cell)
        for stage, role in evidence.STAGES.items():
            if role in files and files[role] not in told:
                told.add(files[role])
                named = files[role].relative_to(planned.root).as_posix()
                yield {"cell": "" if stage == "prepare" else cell.path, "stage": stage, "file": named} | {
                    "record": read_json(files[role])
                }


def _predictions(planned: Plan, cell: Cell) -> Iterator[dict[str, Any]]:
    """The chosen class of each test row, as far as they are packed, for every place of a cell."""
    files = evidence.cell_files(planned, cell)
    for role in (role for role in PREDICTED if role in files):
        arrays, digest = read_npz(files[role]), sha256(files[role])
        label = arrays.get("label", np.zeros(0, np.int64))
        rows = np.unique(np.linspace(0, max(len(label) - 1, 0), min(len(label), MOST_ROWS)).round().astype(int))
        own = {"cell": cell.path, "file": PREDICTED[role], "sha256": digest, "n": len(label)}
        for name in sorted(arrays.keys() - {"label", "id"}):
            packed = {"chosen": arrays[name].argmax(1)[rows].astype(np.int16), "scores": None}
            if _ranks(planned, cell, name) and len(rows) == len(label):
                packed["scores"] = arrays[name].ravel()  # [n · classes]
            yield own | {"place": name, "label": label[rows].astype(np.int16)} | packed


def _ranks(planned: Plan, cell: Cell, place: str) -> bool:
    """Whether the score by which the cell is ranked is of this place, and does not follow from class ids alone."""
    asked = planned.spec.rank_by
    return place.endswith(f"|{asked.probe}|clean|0") and load(asked.on(planned.card(cell.dataset))).needs != "labels"


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd", compression_level=19)
    return buffer.getvalue()


def about(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Machines, versions, commits and dates, all from the records."""
    made = [record for record in records if record.get("environment")]
    environments = Counter(json.dumps(record["environment"], sort_keys=True) for record in made)
    dates = sorted(record["finished"] for record in made if record.get("finished"))
    return {
        "environments": [json.loads(text) | {"cells": n} for text, n in sorted(environments.items())],
        "devices": dict(sorted(Counter(str(record.get("device", "")) for record in made).items())),
        "commits": dict(sorted(Counter(str(record.get("commit", "")) for record in made).items())),
        "first": dates[0] if dates else "",
        "last": dates[-1] if dates else "",
    }
