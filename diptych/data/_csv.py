"""Reads the table of a `csv:` entry: one row per sample, a header, a column with the class."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diptych.data.base import DataError, Files, Raw, rows_of_splits

if TYPE_CHECKING:
    import pandas as pd

    from diptych.data.own import CsvEntry

MISSING = ["", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null"]
SEPARATORS = ",;\t"
PARQUET = b"PAR1"
NAMELESS = "Unnamed: "  # what pandas calls a column without a header
DECIMAL_COMMA = r"[+-]?\d+(,\d+)?"


def read_csv_entry(entry: CsvEntry, files: Files) -> Raw:
    """Features, classes, groups and split of the user's table; rows without a class are dropped and counted."""
    import pandas as pd

    tables = [_labelled(read_table(files[file], file), entry, file) for file in (entry.file, entry.test) if file]
    _check_same_columns(tables, entry)
    dropped = [lost for _, lost in tables]
    table = pd.concat([frame for frame, _ in tables], ignore_index=True)
    split = rows_of_splits(len(tables[0][0]), len(tables[1][0])) if entry.test else None
    nameless = [column for column in table.columns if column.startswith(NAMELESS)]
    features = table.drop(columns=[entry.target, *filter(None, [entry.group]), *entry.drop, *nameless])
    caveats = [f"{lost} rows without `{entry.target}` were dropped" for lost in dropped if lost]
    caveats += ["a column without a name was dropped: a row number is no feature"] * bool(nameless)
    typed = _typed(features, entry)
    caveats += _doubts(typed, entry)
    return Raw(
        x=typed,
        label=table[entry.target].astype(str).str.strip().to_numpy(str),
        test=split,
        group=_groups(table, entry),
        caveats=tuple(caveats),
    )


def read_table(path: Path, name: str) -> pd.DataFrame:
    """A table of strings with missing cells as NaN; separated by comma, semicolon or tab, as the header is."""
    import pandas as pd

    text = _text(path.read_bytes(), name)
    if not text.strip():
        raise DataError(f"{name} is empty")
    separator = max(SEPARATORS, key=lambda candidate: len(next(_cells(text.lstrip(), candidate))))
    try:
        _check_rows(_cells(text, separator), name)
    except csv.Error as error:
        raise DataError(f"{name} is not a readable table: {error}") from error
    return pd.read_csv(
        io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, na_values=MISSING, skipinitialspace=True
    ).rename(columns=str.strip)


def _text(content: bytes, name: str) -> str:
    """A file's text; a parquet file as the text it would be."""
    if content.startswith(PARQUET):
        return str(read_parquet(content, name).to_csv(index=False))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{name} is not UTF-8 text, nor parquet: {error}; save it as UTF-8") from error


def read_parquet(content: bytes, name: str) -> pd.DataFrame:
    """A parquet file as the table that it holds."""
    import pandas as pd

    try:
        return pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError) as error:
        raise DataError(f"{name} is not a readable parquet file: {error}") from error


def check_columns(table: pd.DataFrame, stated: Mapping[str, Iterable[str]], name: str) -> None:
    """The columns that the keys of an entry name must exist."""
    for key, columns in stated.items():
        for column in columns:
            if column not in table.columns:
                raise DataError(f"{name}: `{key}` names the column {column!r}; it has {', '.join(table.columns)}")


def _cells(text: str, separator: str) -> Iterator[list[str]]:
    """The rows of a table as cells; a separator inside quotes does not separate."""
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)


def _check_rows(rows: Iterable[list[str]], name: str) -> None:
    """Every row must have the header's number of cells, and every column its own name."""
    numbered = ((number, row) for number, row in enumerate(rows, 1) if row)
    _, header = next(numbered)
    names = [cell.strip() for cell in header]
    if twice := sorted({cell for cell in names if names.count(cell) > 1}):
        raise DataError(f"{name}: columns {', '.join(map(repr, twice))} stand twice in the header")
    count = 0
    for number, row in numbered:
        count += 1
        if len(row) != len(header):
            raise DataError(f"{name}, row {number}: {len(row)} cells, the header has {len(header)}")
    if not count:
        raise DataError(f"{name} has a header and no rows")


def _labelled(table: pd.DataFrame, entry: CsvEntry, name: str) -> tuple[pd.DataFrame, int]:
    """The rows that have a class, and how many have none; columns that the entry names must exist."""
    group = [entry.group] if entry.group else []
    check_columns(table, {"target": [entry.target], "group": group, "types": entry.types, "drop": entry.drop}, name)
    present = table[entry.target].notna()
    if not present.any():
        raise DataError(f"{name}: the target {entry.target!r} is missing in every row")
    return table[present], int((~present).sum())


def _check_same_columns(tables: list[tuple[pd.DataFrame, int]], entry: CsvEntry) -> None:
    first, last = set(tables[0][0].columns), set(tables[-1][0].columns)
    if first != last:
        raise DataError(
            f"{entry.file} and {entry.test} have different columns: "
            f"only in the first {sorted(first - last)}, only in the second {sorted(last - first)}"
        )


def _typed(table: pd.DataFrame, entry: CsvEntry) -> pd.DataFrame:
    """Numeric where stated, or where every present value is a number; else categorical."""
    if not len(table.columns):
        raise DataError(f"{entry.file}: no column is left as a feature")
    typed = table.copy()
    for column in table.columns:
        if entry.types.get(column) != "categorical":
            typed[column] = _numbers(table[column], entry)
    return typed


def _numbers(column: pd.Series[str], entry: CsvEntry) -> pd.Series[float] | pd.Series[str]:
    """The column as floats; as it is when it holds words and is not stated to be numeric."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    wrong = column[numbers.isna() & column.notna()]
    stated = entry.types.get(str(column.name)) == "numeric"
    if stated and len(wrong):
        raise DataError(
            f"{entry.file}: column {column.name!r} is stated to be numeric and holds {len(wrong)} other values, "
            f"the first {wrong.iloc[0]!r}"
        )
    if len(wrong) and column.dropna().str.strip().str.fullmatch(DECIMAL_COMMA).all():
        raise DataError(
            f"{entry.file}: column {column.name!r} holds numbers with a comma, such as {wrong.iloc[0]!r}; "
            "write them with a decimal point, or state its type as categorical"
        )
    too_large = np.abs(numbers.to_numpy(float)) > np.finfo(np.float32).max
    if not len(wrong) and too_large.any():
        raise DataError(f"{entry.file}: column {column.name!r} holds values beyond 32-bit floats, or infinite ones")
    return column if len(wrong) or not (stated or column.notna().any()) else numbers.astype(float)


def _doubts(table: pd.DataFrame, entry: CsvEntry) -> list[str]:
    """Categories that are numbers in most rows, unless the user said so."""
    import pandas as pd

    doubts = []
    for name, column in table.select_dtypes(exclude="number").items():
        present = column.dropna()
        words = present[pd.to_numeric(present, errors="coerce").isna()]
        if str(name) not in entry.types and 2 * len(words) < len(present):
            doubts.append(f"column {name!r} is categorical because {len(words)} values are words, as {words.iloc[0]!r}")
    return doubts


def _groups(table: pd.DataFrame, entry: CsvEntry) -> np.ndarray | None:
    if not entry.group:
        return None
    column = table[entry.group]
    if column.isna().any():
        raise DataError(f"{entry.file}: the group {entry.group!r} is missing in {int(column.isna().sum())} rows")
    return column.to_numpy(str)
