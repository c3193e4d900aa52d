"""Cells run again: the recorded jobs, in a scratch folder, give the same files."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diptych import evidence
from diptych.audits.findings import Finding
from diptych.audits.integrity import SCORED
from diptych.records import SCORE_COLUMNS, ContractError, read_npz, read_table

if TYPE_CHECKING:
    from diptych.plan import Cell, Plan

UNCHANGED = ("embeddings", *SCORED, *SCORED.values())  # by running again


def chosen(planned: Plan, count: int) -> list[Cell]:
    """Cells to run again, drawn from a public seed (the plan's digest) among those that ended well."""
    ended = [cell for cell in planned.cells if _ended_well(planned, cell)]
    return random.Random(planned.digest).sample(ended, min(count, len(ended)))


def _ended_well(planned: Plan, cell: Cell) -> bool:
    try:
        return evidence.read(planned, cell).status == "ok"
    except (ContractError, OSError, ValueError):
        return False  # reported by the other checks


def repeated(planned: Plan, cell: Cell) -> Iterator[Finding]:
    """The recorded jobs of a cell, run in a scratch folder, give the same embeddings and scores bit for bit."""
    from diptych.replay import rerun

    kept = evidence.read(planned, cell)
    jobs = {stage: record["job"] for stage, record in kept.records.items() if stage != "prepare"}
    with tempfile.TemporaryDirectory() as folder:
        made = rerun(planned, cell, jobs, Path(folder), str(kept.records["pretrain"].get("device", "cpu")))
        old = evidence.cell_files(planned, cell)
        for role in (role for role in UNCHANGED if role in old and role in made):
            if difference := _difference(old[role], made[role]):
                yield Finding("rerun", cell.path, old[role].name, "the same values", difference)


def _difference(old: Path, new: Path) -> str:
    """Where two npz or score files differ; empty where they hold the same values."""
    if old.suffix == ".npz":
        first, second = read_npz(old), read_npz(new)
        names = first.keys() ^ second.keys()
        names |= {n for n in first.keys() & second.keys() if not _same(first[n], second[n])}
        return f"other arrays: {', '.join(sorted(names))}" if names else ""
    first_table, second_table = read_table(old), read_table(new)
    columns = list(SCORE_COLUMNS)
    if len(first_table) != len(second_table):
        return f"{len(second_table)} rows instead of {len(first_table)}"
    return "" if first_table[columns].equals(second_table[columns]) else "other scores"


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    nan = first.dtype.kind == "f"
    return first.dtype == second.dtype and bool(np.array_equal(first, second, equal_nan=nan))
