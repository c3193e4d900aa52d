"""The content-addressed cache of downloaded files, `<cache>/<sha256>/<file>`, shared by all benchmarks."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from diptych.data.base import DataError
from diptych.records import sha256

ORIGIN = ".origin"  # beside the file: where it came from


class Damaged(DataError):
    """A file whose content is not what its card pins."""

    def __init__(self, file: str, *, source: str, expected: str, found: str) -> None:
        super().__init__(
            f"{file} from {source} is damaged or not the pinned version: "
            f"expected sha256 {expected}, found {found}; nothing of it was kept"
        )


@dataclass(frozen=True)
class Fetched:
    """A verified file; an installed library has no file, so that `path` is None and the hash empty."""

    file: str
    sha256: str
    bytes: int
    origin: str
    path: Path | None = None


def root() -> Path:
    """`DIPTYCH_CACHE`, else the user's cache folder."""
    from platformdirs import user_cache_path

    stated = os.environ.get("DIPTYCH_CACHE")
    return Path(stated).expanduser() if stated else user_cache_path("diptych", appauthor=False)


def cached(file: str, digest: str) -> Fetched | None:
    """The verified cached file; a damaged one is thrown away with a warning and counts as absent."""
    path = root() / digest / Path(file).name
    if not digest or not path.is_file():
        return None
    if (found := sha256(path)) != digest:
        print(f"diptych: cached {path} is damaged (sha256 {found}); fetching it again", file=sys.stderr)
        shutil.rmtree(path.parent, ignore_errors=True)
        return None
    origin = path.with_name(ORIGIN)
    stated = origin.read_text(encoding="utf-8") if origin.is_file() else "cache"
    return Fetched(file, digest, path.stat().st_size, stated, path)


def admit(incoming: Path, file: str, *, digest: str, origin: str) -> Fetched:
    """Verify a file from a `workspace` and move it into the cache in one step; an empty digest pins nothing."""
    found = sha256(incoming)
    if digest and found != digest:
        raise Damaged(file, source=origin, expected=digest, found=found)
    folder = root() / found
    folder.mkdir(parents=True, exist_ok=True)
    note = incoming.with_name(ORIGIN)
    note.write_text(origin, encoding="utf-8")
    note.replace(folder / ORIGIN)
    incoming.replace(folder / Path(file).name)
    return Fetched(file, found, (folder / Path(file).name).stat().st_size, origin, folder / Path(file).name)


@contextmanager
def workspace() -> Iterator[Path]:
    """A temporary folder on the cache's own disk, so that moving out of it is atomic; always removed."""
    root().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root(), prefix=".incoming-") as folder:
        yield Path(folder)


@contextmanager
def lock(digest: str) -> Iterator[None]:
    """One process at a time fetches a file; the others wait and then find it in the cache."""
    from filelock import FileLock

    locks = root() / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"{digest or 'local'}.lock"):
        yield
