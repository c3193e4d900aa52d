import gzip
import io
import stat
import tarfile
import zipfile

import numpy as np
import pytest

from diptych.data import _archives
from diptych.data._archives import gunzip, read_members
from diptych.data.base import DataError
from diptych.records import ContractError, read_npz, write_npz


def zipped(members: dict[str, bytes], mode: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def tarred(members: dict[str, bytes], kind: bytes = tarfile.REGTYPE, mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.type = (len(content) if kind == tarfile.REGTYPE else 0), kind
            info.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def debian(data: bytes, name: str = "data.tar.xz") -> bytes:
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", name: data}
    ar = b"!<arch>\n"
    for member, content in parts.items():
        ar += f"{member:<16}{0:<12}{0:<6}{0:<6}{0o100644:<8o}{len(content):<10}`\n".encode() + content
        ar += b"\n" * (len(content) % 2)
    return ar


MEMBERS = {"a/one.txt": b"1", "a/two.txt": b"22"}


@pytest.mark.parametrize(
    "archive",
    [zipped(MEMBERS), tarred(MEMBERS), tarred(MEMBERS, mode="w:xz"), debian(tarred(MEMBERS, mode="w:xz"))],
    ids=["zip", "tar.gz", "tar.xz", "deb"],
)
def test_members_by_name(archive):
    assert read_members(archive, ["a/two.txt"]) == {"a/two.txt": b"22"}
    assert read_members(archive) == MEMBERS
    with pytest.raises(DataError, match="no member a/three.txt"):
        read_members(archive, ["a/one.txt", "a/three.txt"])


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "..\\evil"])
@pytest.mark.parametrize("build", [zipped, tarred, lambda m: debian(tarred(m, mode="w:xz"))], ids=["zip", "tar", "deb"])
def test_archive_that_points_outside_is_refused(build, name):
    with pytest.raises(DataError, match="points outside"):
        read_members(build({"fine": b"1", name: b"evil"}), ["fine"])


@pytest.mark.parametrize(
    "archive",
    [
        zipped({"link": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777),
        tarred({"link": b""}, kind=tarfile.SYMTYPE),
        tarred({"link": b""}, kind=tarfile.LNKTYPE),
        tarred({"pipe": b""}, kind=tarfile.FIFOTYPE),
    ],
    ids=["zip symlink", "tar symlink", "tar hard link", "fifo"],
)
def test_links_and_special_files_are_refused(archive):
    with pytest.raises(DataError, match="link or a special file"):
        read_members(archive)


@pytest.mark.parametrize("build", [zipped, tarred], ids=["zip", "tar"])
def test_bombs_are_refused(build, monkeypatch):
    monkeypatch.setattr(_archives, "LIMIT", 1000)
    with pytest.raises(DataError, match="more than 1000 bytes"):
        read_members(build({"wanted": b"1", "zeros": bytes(2000)}))
    with pytest.raises(DataError, match="more than 1000 bytes"):
        gunzip(gzip.compress(bytes(2000)), limit=1000)


@pytest.mark.parametrize(
    "archive",
    [
        zipped(MEMBERS)[:60],
        tarred(MEMBERS)[:40],
        debian(b"no tar"),
        debian(b"", name="data.tar.zst"),
        b"",
    ],
    ids=["short zip", "short tar", "odd deb", "unknown deb", "empty"],
)
def test_broken_archives_are_clear_errors(archive):
    with pytest.raises(DataError, match="not a readable archive|no data.tar"):
        read_members(archive)


def test_pickles_are_refused_both_ways(tmp_path):
    objects = {"x": np.array([{"a": 1}], dtype=object)}
    with pytest.raises(ContractError, match="holds Python objects"):
        write_npz(tmp_path / "a.npz", objects)
    np.savez(tmp_path / "b.npz", **objects, allow_pickle=True)
    with pytest.raises(ContractError, match="not a readable npz"):
        read_npz(tmp_path / "b.npz")
