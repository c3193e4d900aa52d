"""Reads members of zip, tar and Debian archives into memory; nothing is ever written, followed or executed."""

import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from diptych.data.base import DataError

LIMIT = 1 << 30  # bytes of all members together, against decompression bombs
BROKEN = (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError, zlib.error, LZMAError, RuntimeError, ValueError)
ZIP_MAGIC = b"PK"
AR_MAGIC = b"!<arch>\n"
AR_HEADER = 60


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    plain: bool  # a regular file; folders are no members, links and devices are not plain
    read: Callable[[], bytes]


def read_members(archive: Path | bytes, names: Iterable[str] | None = None) -> dict[str, bytes]:
    """The named regular files of an archive (all of them when no name is given), as bytes by name.

    An archive with a link, a device, an absolute path or a `..` anywhere in it, or of over LIMIT bytes, is refused.
    """
    label = archive.name if isinstance(archive, Path) else "archive in an archive"
    wanted = None if names is None else set(names)
    try:
        content = archive.read_bytes() if isinstance(archive, Path) else archive
        found = dict(_wanted(_members(content), wanted))
    except DataError as error:
        raise DataError(f"{label}: {error}") from error
    except BROKEN as error:
        raise DataError(f"{label} is not a readable archive: {error}") from error
    if missing := (wanted or set()) - found.keys():
        raise DataError(f"{label} has no member {', '.join(sorted(missing))}")
    return found


def gunzip(content: bytes, *, limit: int = LIMIT) -> bytes:
    """Decompressed bytes, refused beyond `limit`."""
    try:
        with gzip.open(io.BytesIO(content)) as file:
            plain = file.read(limit + 1)
    except BROKEN as error:
        raise DataError(f"not readable gzip data: {error}") from error
    if len(plain) > limit:
        raise DataError(f"gzip data of more than {limit} bytes")
    return plain


def _wanted(members: Iterable[_Member], wanted: set[str] | None) -> Iterator[tuple[str, bytes]]:
    total = 0
    for member in members:
        name = _checked(member)
        total += member.size
        if total > LIMIT:
            raise DataError(f"holds more than {LIMIT} bytes")
        if wanted is None or name in wanted:
            yield name, member.read()


def _checked(member: _Member) -> str:
    path = PurePosixPath(member.name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f"refused: member {member.name!r} points outside of the archive")
    if not member.plain:
        raise DataError(f"refused: member {member.name!r} is a link or a special file")
    return str(path)


def _members(content: bytes) -> Iterator[_Member]:
    if content.startswith(AR_MAGIC):
        return _of_tar(io.BytesIO(_deb_data(content)))
    if content.startswith(ZIP_MAGIC):
        return _of_zip(io.BytesIO(content))
    return _of_tar(io.BytesIO(content))


def _of_zip(file: BinaryIO) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if not info.is_dir():
                yield _Member(info.filename, info.file_size, kind in (0, stat.S_IFREG), partial(archive.read, info))


def _of_tar(file: BinaryIO) -> Iterator[_Member]:
    with tarfile.open(fileobj=file, mode="r:*") as archive:
        for info in archive:
            if not info.isdir():
                yield _Member(info.name, info.size, info.isreg(), partial(_tar_bytes, archive, info))


def _tar_bytes(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(info)
    assert file is not None
    return file.read()


def _deb_data(content: bytes) -> bytes:
    """The compressed tar with the files of a Debian package, which is an `ar` archive: man 5 deb."""
    names, position = [], len(AR_MAGIC)
    while position + AR_HEADER <= len(content):
        header = content[position : position + AR_HEADER]
        name, size = header[:16].decode("ascii").strip().rstrip("/"), int(header[48:58])
        start = position + AR_HEADER
        if name in ("data.tar", "data.tar.gz", "data.tar.xz", "data.tar.bz2"):
            return content[start : start + size]
        names.append(name)
        position = start + size + size % 2
    raise DataError(f"no data.tar, .gz, .xz or .bz2 in the Debian package; it holds {', '.join(names) or 'nothing'}")
