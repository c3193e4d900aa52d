"""Readers of the time-series archives' formats: `.ts` (UEA), `.arff` (Weka) and `.tsv` (UCR)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diptych.data.base import DataError, Files, Raw, rows_of_splits

if TYPE_CHECKING:
    from diptych.data.own import SeriesEntry

MISSING = ("?", "nan", "")
QUOTES = "'\""
NOMINAL = r"""\s*'[^']*'\s*|\s*"[^"]*"\s*|[^,'"]+"""  # a value of a nominal attribute; quoted, it may hold a comma


@dataclass(frozen=True)
class Series:
    """Labelled series of one file."""

    values: list[np.ndarray]  # each float32 [T, C], NaN where missing
    labels: list[str]


def read_series(content: bytes, name: str) -> Series:
    """The series in a file, whose format is known by its suffix; errors name the file and the line."""
    readers: dict[str, Callable[[_Lines], Series]] = {".ts": _read_ts, ".arff": _read_arff, ".tsv": _read_tsv}
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text: {error}") from error
    lines = _Lines(name, text)
    series = readers[Path(name).suffix.lower()](lines)
    if not series.labels:
        raise DataError(f"{name} holds no series")
    channels = {values.shape[1] for values in series.values}
    if len(channels) > 1:
        raise DataError(f"{name}: series with {sorted(channels)} channels in one file; all must have the same")
    return series


def read_series_entry(entry: SeriesEntry, files: Files) -> Raw:
    """Raw content of a `series:` entry, with its separate test file if it has one."""
    return joined(*[read_series(files[file].read_bytes(), file) for file in (entry.file, entry.test) if file])


def joined(train: Series, test: Series | None = None) -> Raw:
    """Raw content of the training series followed by the test series."""
    if test is None:
        return Raw(train.values, np.array(train.labels))
    channels = train.values[0].shape[1], test.values[0].shape[1]
    if channels[0] != channels[1]:
        raise DataError(f"the training file has {channels[0]} channels and the test file {channels[1]}")
    split = rows_of_splits(len(train.labels), len(test.labels))
    return Raw(train.values + test.values, np.array(train.labels + test.labels), split)


@dataclass(frozen=True)
class _Lines:
    """The lines of a file that count, with their numbers for errors."""

    name: str
    text: str

    def __iter__(self) -> Iterator[tuple[int, str]]:
        for number, line in enumerate(self.text.splitlines(), 1):
            stripped = line.strip(" ")  # a leading tab is a missing class
            if stripped.strip() and not stripped.startswith(("#", "%")):
                yield number, stripped

    def error(self, number: int, message: str) -> DataError:
        return DataError(f"{self.name}, line {number}: {message}")

    def numbers(self, number: int, text: str) -> np.ndarray:
        """Comma-separated values, NaN for the signs of a missing one: [T]."""
        cells = [cell.strip() for cell in text.split(",")]
        try:
            values = np.array([np.nan if cell.lower() in MISSING else float(cell) for cell in cells], np.float32)
        except ValueError as error:
            raise self.error(number, str(error)) from error
        if np.isinf(values).any():
            raise self.error(number, "an infinite value (or one beyond the range of float32)")
        return values

    def stacked(self, number: int, channels: list[str]) -> np.ndarray:
        """A series from the texts of its channels: [T, C]."""
        values = [self.numbers(number, channel) for channel in channels]
        if len({len(channel) for channel in values}) > 1:
            raise self.error(number, f"channels of different lengths {[len(channel) for channel in values]}")
        return np.stack(values, axis=1)


def _read_ts(lines: _Lines) -> Series:
    """`@key value` lines, `@data`, then `channel:channel:…:label` with comma-separated values."""
    header, body = _sections(lines)
    keys = {line.split()[0].lower(): line.split()[1:] for _, line in header if line.startswith("@")}
    stated = keys.get("@classlabel", [])
    if not stated or stated[0].lower() != "true":
        raise DataError(f"{lines.name}: no `@classLabel true …` in its header; diptych compares classifications")
    if keys.get("@timestamps", ["false"])[0].lower() == "true":
        raise DataError(f"{lines.name}: `@timeStamps true` is not supported; resample to regular steps")
    values, labels = [], []
    for number, line in body:
        *channels, label = line.split(":")
        if not channels or label.strip() not in stated[1:]:
            raise lines.error(number, f"class {label.strip()[:40]!r} is none of {', '.join(stated[1:])}")
        values.append(lines.stacked(number, channels))
        labels.append(label.strip())
    return Series(values, labels)


def _read_arff(lines: _Lines) -> Series:
    """One attribute per step and the class last; or one relational attribute, a row per channel, and the class."""
    header, body = _sections(lines)
    attributes = [line for _, line in header if line.lower().startswith("@attribute")]
    classes = re.search(r"\{(.*)\}\s*(%.*)?$", attributes[-1]) if attributes else None
    if classes is None:
        raise DataError(f"{lines.name}: the last attribute must be the class, as `@attribute name {{a,b}}`")
    allowed = [name.strip(f" {QUOTES}") for name in re.findall(NOMINAL, classes[1])]
    values, labels = [], []
    for number, line in body:
        found = re.fullmatch(rf"(.*),({NOMINAL})", line)
        content, label = found.groups() if found else ("", line)
        if (label := label.strip(f" {QUOTES}")) not in allowed:
            raise lines.error(number, f"class {label[:40]!r} is none of {', '.join(allowed)}")
        channels = content.strip(f" {QUOTES}").split("\\n") if content[:1] in QUOTES else [content]
        values.append(lines.stacked(number, channels))
        labels.append(label)
    return Series(values, labels)


def _read_tsv(lines: _Lines) -> Series:
    """The class first, then the values, separated by tabs."""
    values, labels = [], []
    for number, line in lines:
        label, *cells = line.split("\t")
        if not cells:
            raise lines.error(number, "a class and tab-separated values were expected")
        if label.strip().lower() in MISSING:
            raise lines.error(number, "the class is missing")
        values.append(lines.numbers(number, ",".join(cells))[:, None])
        labels.append(re.sub(r"\.0+$", "", label.strip()))
    return Series(values, labels)


def _sections(lines: _Lines) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The lines before and after `@data`."""
    numbered = list(lines)
    start = next((i for i, (_, line) in enumerate(numbered) if line.lower() == "@data"), None)
    if start is None:
        raise DataError(f"{lines.name} has no `@data` line" if numbered else f"{lines.name} is empty")
    return numbered[:start], numbered[start + 1 :]
