"""A bundle, read without trusting it: sizes, names and checksums first, then what is in it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from diptych import spec
from diptych.bundles.pack import ABOUT, BOARD, FILES, LOCKED, MANIFEST, OLDER, PLAN, PREDICTIONS, RECORDS
from diptych.data.card import Card
from diptych.plan import Cell, identity
from diptych.records import ContractError
from diptych.spec import Benchmark

LARGEST, ALL = 200 << 20, 400 << 20  # bytes of a member and of all of them, unpacked
KNOWN = {*BOARD, PLAN, RECORDS, PREDICTIONS, ABOUT, LOCKED, MANIFEST, OLDER}


class Refused(ContractError):
    """A file that is no bundle, or that does not hold what its manifest says."""


def members(path: Path) -> dict[str, bytes]:
    """All members in memory; names outside the layout, sizes beyond the limits and changed bytes are refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
            _check_names([about.filename for about in listed])
            if max((a.file_size for a in listed), default=0) > LARGEST or sum(a.file_size for a in listed) > ALL:
                raise Refused(f"{path}: larger than {ALL >> 20} MB when unpacked")
            found = {about.filename: archive.read(about) for about in listed}
    except (OSError, zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise Refused(f"{path} is not a readable bundle: {error}") from error
    except Exception as error:  # zlib has its own
        if isinstance(error, Refused):
            raise
        raise Refused(f"{path} is not a readable bundle: {error}") from error
    _check_sums(found)
    return found


def _check_names(names: list[str]) -> None:
    for name in names:
        parts = PurePosixPath(name).parts
        own = len(parts) == 2 and parts[0] == FILES and ".." not in parts and "\\" not in name
        if name not in KNOWN and not own:
            raise Refused(f"the entry {name!r} has no place in a bundle")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refused(f"the entry {twice[0]!r} stands twice")
    if absent := sorted(KNOWN - {LOCKED, OLDER} - set(names)):
        raise Refused(f"the entry {absent[0]!r} is missing")


def _check_sums(found: dict[str, bytes]) -> None:
    stated = json.loads(found[MANIFEST])
    for name in sorted((stated.keys() | found.keys()) - {MANIFEST}):
        here = hashlib.sha256(found[name]).hexdigest() if name in found else "no such entry"
        if stated.get(name) != here:
            raise Refused(f"{name}: expected sha256 {stated.get(name, 'none: it is not listed')}, found {here}")


@dataclass(frozen=True)
class BundledPlan:
    """What boards need of a plan, from a bundle that lies unpacked in a folder."""

    root: Path
    told: dict[str, Any]

    @property
    def benchmark(self) -> Path:
        """The bundled benchmark file."""
        return self.root / FILES / str(self.told["benchmark"])

    @property
    def name(self) -> str:
        """The benchmark's name."""
        return self.spec.name

    @cached_property
    def spec(self) -> Benchmark:
        """The benchmark file as it says itself."""
        return spec.read(self.benchmark)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The planned cells."""
        return tuple(Cell(*cell) for cell in self.told["cells"])

    @cached_property
    def cards(self) -> dict[str, Card]:
        """The cards of the data sets."""
        return {name: Card.model_validate(card) for name, card in self.told["cards"].items()}

    @property
    def digest(self) -> str:
        """Of the bundled file and cells, by the rule of plans."""
        return identity(self.spec, self.cells)

    def card(self, dataset: str) -> Card:
        """The card of a data set."""
        return self.cards[dataset]

    def flat(self, cell: Cell) -> dict[str, Any]:
        """The settings of a cell as flat parameters."""
        return dict(self.told["flat"][f"{cell.dataset}/{cell.method}/{cell.config}"])

    def default(self, dataset: str, method: str) -> dict[str, Any]:
        """The flat settings that a method would have without a grid."""
        return dict(self.told["default"][f"{dataset}/{method}"])


@dataclass(frozen=True)
class Bundle:
    """An unpacked bundle."""

    folder: Path
    plan: BundledPlan
    content: dict[str, bytes]
    _tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def json(self, name: str) -> Any:
        """A JSON member."""
        return json.loads(self.content[name])

    def table(self, name: str) -> pd.DataFrame:
        """A parquet member, read once for all who ask and change nothing in it."""
        if name not in self._tables:
            self._tables[name] = pd.read_parquet(io.BytesIO(self.content[name]))
        return self._tables[name]

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The records of all stages: cell, stage, file, record."""
        return [json.loads(line) for line in self.content[RECORDS].decode().splitlines()]


@contextmanager
def opened(path: Path) -> Iterator[Bundle]:
    """A bundle whose checksums hold, unpacked for as long as it is read."""
    content = members(path)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / FILES).mkdir()
        for member, data in content.items():
            (folder / member).write_bytes(data)
        yield Bundle(folder, BundledPlan(folder, json.loads(content[PLAN])), content)
