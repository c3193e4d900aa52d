"""Reads the long table of a `series:` entry: one row per series and time, channels in columns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diptych.data._csv import PARQUET, check_columns, read_parquet, read_table
from diptych.data._series_files import Series, joined
from diptych.data.base import DataError, Files, Raw

if TYPE_CHECKING:
    import pandas as pd

    from diptych.data.own import SeriesEntry

ABOUT = ("target", "group", "recording")  # keys whose column has one value in a series
UNEVEN = 1e-6  # of the longest step: by which steps differ that are not of one length


@dataclass(frozen=True)
class _Long:
    """The series of one file."""

    series: Series
    channels: list[str]
    about: pd.DataFrame  # [series] with `group`, `recording` and `place` in it, where stated
    caveats: list[str]


def read_long_entry(entry: SeriesEntry, files: Files) -> Raw:
    """Series, classes, groups, recordings and split of the user's long table; missing values and ends are NaN."""
    import pandas as pd

    parts = [_read(files[file], file, entry) for file in (entry.file, entry.test) if file]
    first, last = parts[0].channels, parts[-1].channels
    if first != last:
        raise DataError(f"{entry.file} has the channels {', '.join(first)}, {entry.test} has {', '.join(last)}")
    raw = joined(*[part.series for part in parts])
    about = {name: column.to_numpy() for name, column in pd.concat([part.about for part in parts]).items()}
    key = pd.factorize(about["recording"])[0].astype(np.int64) if "recording" in about else None
    caveats = tuple(c for part in parts for c in part.caveats)
    return Raw(raw.x, raw.label, raw.test, key=key, group=about.get("group"), time=about.get("place"), caveats=caveats)


def _read(path: Path, name: str, entry: SeriesEntry) -> _Long:
    import pandas as pd

    table = _table(path, name, entry)
    time = _times(_complete(table, entry.time, name), name)
    code, names = pd.factorize(_complete(table, entry.id, name).astype(str).to_numpy(str))  # [rows], [series]
    order = np.lexsort((time, code))  # series as they come in the file, each in the order of time
    table, time, code = table.iloc[order], time[order], code[order]
    if (twice := np.flatnonzero((np.diff(code) == 0) & (np.diff(time) == 0))).size:
        where = f"series {names[code[twice[0]]]} has two rows at {entry.time!r} {table[entry.time].iloc[twice[0]]}"
        raise DataError(f"{name}: {where}; a long table has one row per series and time")
    starts = np.flatnonzero(np.diff(code)) + 1
    values = _channels(table, name, entry)
    about = _about(table, code, names, name, entry)
    if entry.recording:
        about["place"] = _places(time[np.append(0, starts)], about["recording"])
    kept = about["target"].notna().to_numpy()  # [series]
    series = [part for part, labelled in zip(np.split(values.to_numpy(), starts), kept, strict=True) if labelled]
    caveats = [f"{(~kept).sum()} series without `{entry.target}` were dropped"] * bool((~kept).any())
    caveats += _uneven(np.split(time, starts), entry.time)
    labels = about.pop("target")[kept].tolist()
    return _Long(Series(series, labels), values.columns.tolist(), about[kept], caveats)


def _places(first: np.ndarray, recording: pd.Series[str]) -> np.ndarray:
    """Place in its recording of each series, which begins at `first` [series]: 0, 1, …"""
    import pandas as pd

    return pd.Series(first, recording.index).groupby(recording).rank("first").sub(1).fillna(0).to_numpy(np.int64)


def _table(path: Path, name: str, entry: SeriesEntry) -> pd.DataFrame:
    """The table without what is dropped, its channels in alphabetical order; the columns stated must exist."""
    content = path.read_bytes()
    table = read_parquet(content, name) if content.startswith(PARQUET) else read_table(path, name)
    if not len(table):
        raise DataError(f"{name} holds no rows")
    stated = {key: [column] for key, column in _stated(entry).items()}
    check_columns(table, stated | {"drop": [*entry.drop]}, name)
    return table.drop(columns=[*entry.drop]).sort_index(axis=1)


def _stated(entry: SeriesEntry) -> dict[str, str]:
    """The columns that are no channels, by the key that names each."""
    return {key: column for key in ("id", "time", *ABOUT) if (column := getattr(entry, key))}


def _complete(table: pd.DataFrame, column: str, name: str) -> pd.Series[str]:
    if (absent := table[column].isna()).any():
        raise DataError(f"{name}: the column {column!r} is missing in {int(absent.sum())} rows")
    return table[column]


def _times(column: pd.Series[str], name: str) -> np.ndarray:
    """Numbers, or seconds since the first date: float64 [rows]."""
    import pandas as pd

    if (numbers := _numbers(column)).notna().all():
        return numbers.to_numpy()
    dates = pd.to_datetime(column, errors="coerce", utc=True, format=None if column.dtype.kind == "M" else "ISO8601")
    if (wrong := column[dates.isna()]).size:
        problem = f"column {column.name!r} holds {str(wrong.iloc[0])!r}"
        raise DataError(f"{name}: {problem}; a time is a number or a date as 2024-05-31 or 2024-05-31 23:59:00")
    return (dates - dates.min()).dt.total_seconds().to_numpy(float)


def _channels(table: pd.DataFrame, name: str, entry: SeriesEntry) -> pd.DataFrame:
    """The other columns as numbers: float32 [rows, C]."""
    channels = table.drop(columns=[*set(_stated(entry).values())])
    if not len(channels.columns):
        raise DataError(f"{name}: no column is left as a channel")
    return channels.apply(_channel, name=name)


def _channel(column: pd.Series[str], name: str) -> pd.Series[float]:
    """A column of numbers, NaN where one is missing."""
    numbers = _numbers(column)
    if len(wrong := column[numbers.isna() & column.notna()]):
        problem = f"column {column.name!r} holds {len(wrong)} values that are no numbers, the first {wrong.iloc[0]!r}"
        raise DataError(f"{name}: {problem}; channels are numeric: leave other columns out by `drop`")
    if (np.abs(numbers) > np.finfo(np.float32).max).any():
        raise DataError(f"{name}: column {column.name!r} holds values beyond 32-bit floats, or infinite ones")
    return numbers.astype(np.float32)


def _numbers(column: pd.Series[str]) -> pd.Series[float]:
    """NaN for what is no number; of a duration its seconds, while a date is none."""
    import pandas as pd

    if column.dtype.kind == "m":
        return pd.to_timedelta(column).dt.total_seconds()
    return pd.to_numeric(column.astype(str) if column.dtype.kind == "M" else column, errors="coerce").astype(float)


def _about(table: pd.DataFrame, code: np.ndarray, names: np.ndarray, name: str, entry: SeriesEntry) -> pd.DataFrame:
    """Class and, where stated, group and recording [series], which one without a class needs not have."""
    import pandas as pd

    found: dict[str, pd.Series[str]] = {}
    for key, column in ((key, column) for key, column in _stated(entry).items() if key in ABOUT):
        words = _words(table[column]).groupby(code)
        if (several := words.nunique().to_numpy() > 1).any():
            where = f"series {names[several][0]}"
            raise DataError(f"{name}: the {key} {column!r} has several values in {where}; it must have one")
        found[key] = words.first()
        if key != "target" and (absent := (found[key].isna() & found["target"].notna()).to_numpy()).any():
            raise DataError(f"{name}: the {key} {column!r} is missing in series {names[absent][0]}")
    if found["target"].isna().all():
        raise DataError(f"{name}: the target {entry.target!r} is missing in every row")
    return pd.DataFrame(found)


def _words(column: pd.Series[str]) -> pd.Series[str]:
    """As text, whole numbers without `.0`; missing stays missing."""
    words = column.astype(str).str.strip().str.replace(r"\.0+$", "", regex=True)
    return words.where(column.notna() & (words != ""))


def _uneven(times: list[np.ndarray], column: str) -> list[str]:
    """A caveat where steps are of different lengths."""
    steps = [np.diff(time) for time in times if len(time) > 2]
    count = sum(bool(np.ptp(step) > UNEVEN * step.max()) for step in steps)
    return [f"{count} series are not evenly spaced in `{column}`; their steps are taken in its order"] * bool(count)
