"""The files that the checks of one audit read: each is hashed once, and read once for all checks of a cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diptych import evidence
from diptych.evidence import Evidence
from diptych.records import PLACE, ContractError, read_json, read_npz, read_table, sha256
from diptych.store import Store, grouped

if TYPE_CHECKING:
    from mlflow.entities import Run

    from diptych.audits.shuffles import Shuffled
    from diptych.boards.frame import Board
    from diptych.plan import Cell, Plan

Arrays = dict[str, np.ndarray]
ABSENT = "no such file"
HELD = 2  # prepared data sets in memory: cells come in the order of their data


@dataclass
class Kept:
    """A finished benchmark: its plan, the folder of its board, its cells, data and runs."""

    plan: Plan
    uri: str = ""
    _digests: dict[Path, str] = field(default_factory=dict)
    _prepared: dict[Path, Prepared] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the board is."""
        return self.plan.root / "boards" / self.plan.name

    def digest(self, path: Path) -> str:
        """sha256 of a file, or that there is none."""
        if path not in self._digests:
            self._digests[path] = sha256(path) if path.is_file() else ABSENT
        return self._digests[path]

    def below(self, path: Path) -> str:
        """A path as findings name it: below the results folder."""
        return path.relative_to(self.plan.root).as_posix()

    def prepared(self, folder: Path) -> Prepared:
        """The prepared data in a folder."""
        if folder not in self._prepared:
            for old in list(self._prepared)[: 1 - HELD or None]:
                del self._prepared[old]
            self._prepared[folder] = Prepared(folder)
        return self._prepared[folder]

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """Every planned cell."""
        return tuple(Case(self, cell) for cell in self.plan.cells)

    @cached_property
    def about(self) -> dict[str, dict[str, Any]]:
        """Cell -> status of the scored cell, parameters and environment; a cell without readable records is left out.

        What is wrong with such records is found by the checks of their cell.
        """
        found = {}
        for case in self.cases:
            try:
                own = [read_json(case.files[role]) for role in ("record", "embed", "probe")]
            except ContractError:
                continue
            ended = next((record.get("status") for record in own if record.get("status") != "ok"), "ok")
            told = {name: own[0].get(name) for name in ("parameters", "environment")}
            found[case.name] = {"status": ended} | told
        return found

    @cached_property
    def ledger(self) -> dict[str, Any]:
        """What was noted when the board was made."""
        return read_json(self.folder / "ledger.json")

    @property
    def whole(self) -> bool:
        """Whether the board has each planned cell, no other, and a score once: else nothing can be made of it again."""
        try:
            return not any(self.repeated.values()) and self.cells.keys() == {case.name for case in self.cases}
        except (ContractError, OSError):
            return False

    @cached_property
    def board(self) -> Board:
        """What pages are made of."""
        from diptych.boards.frame import Board

        return Board(self.plan, self.folder)

    @cached_property
    def shuffled(self) -> list[Shuffled]:
        """Scores of probes of shuffled labels that are above chance; none where the board is not whole."""
        from diptych.audits.shuffles import above_chance

        return list(above_chance(self)) if self.whole else []

    @cached_property
    def store(self) -> Store:
        """The experiment."""
        return Store.existing(self.uri, self.plan.root, self.plan.name)

    @cached_property
    def runs(self) -> dict[str, list[Run]]:
        """Tracked runs by cell."""
        return grouped(self.store.runs(), "diptych.cell")

    @cached_property
    def results(self) -> dict[str, pd.DataFrame]:
        """The rows of the long table by cell."""
        table = read_table(self.folder / "results.parquet")
        return {str(cell): part for cell, part in table.groupby("cell", sort=False)}

    @cached_property
    def repeated(self) -> dict[str, int]:
        """By cell, the rows of the long table whose score stands there already."""
        return {cell: int(table.duplicated(list(PLACE)).sum()) for cell, table in self.results.items()}

    @cached_property
    def cells(self) -> dict[str, dict[str, Any]]:
        """The rows of the table of cells."""
        rows = read_table(self.folder / "cells.parquet").to_dict("records")
        return {row["cell"]: {str(name): value for name, value in row.items()} for row in rows}


@dataclass(frozen=True)
class Prepared:
    """One variant of a data set."""

    folder: Path

    @cached_property
    def card(self) -> dict[str, Any]:
        """Its record."""
        return read_json(self.folder / "card.json")

    @cached_property
    def arrays(self) -> Arrays:
        """Its samples."""
        return read_npz(self.folder / "data.npz")


@dataclass(frozen=True)
class Case:
    """One cell under audit."""

    kept: Kept
    cell: Cell

    @property
    def name(self) -> str:
        """As findings name it."""
        return self.cell.path

    @cached_property
    def files(self) -> dict[str, Path]:
        """Every file that the cell must have, by role."""
        return evidence.cell_files(self.kept.plan, self.cell)

    @cached_property
    def said(self) -> Evidence:
        """What its files say."""
        return evidence.read(self.kept.plan, self.cell)

    @cached_property
    def _arrays(self) -> dict[str, Arrays]:
        return {}

    def arrays(self, role: str) -> Arrays:
        """The arrays of one of its files."""
        if role not in self._arrays:
            self._arrays[role] = read_npz(self.files[role])
        return self._arrays[role]

    def place(self, role: str) -> str:
        """One of its files as findings name it."""
        return self.kept.below(self.files[role])

    def prepared(self, role: str = "data") -> Prepared:
        """The prepared data that a stage reads."""
        return self.kept.prepared(self.files[role].parent)

    def forget(self) -> None:
        """Give back the memory of arrays and tables once the cell's checks are made."""
        for name in ("said", "_arrays"):
            self.__dict__.pop(name, None)
