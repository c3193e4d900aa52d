"""The user's own data: `csv:` and `series:` entries of a benchmark file become a card and raw content."""

import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diptych.data.base import DataError, Files, Raw
from diptych.data.card import Card, Source, cards
from diptych.data.subset import subset_card

ARCHIVE_FORMATS = (".ts", ".arff", ".tsv")
LONG_FORMATS = (".parquet", ".csv")


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(min_length=1, description="path relative to the benchmark file")
    test: str = Field("", description="separate test file; without it a fifth of the rows is drawn by the cell's seed")
    name: str = Field(
        "", pattern="^[a-z0-9_]*$", max_length=60, description="name on the board; default: the file's name"
    )
    metric: str = Field("balanced_accuracy", description="primary metric, fixed before any run")


class CsvEntry(_Entry):
    """A table with one row per sample and a header."""

    target: str = Field(min_length=1, description="column with the class")
    group: str = Field("", description="column whose groups (patient, site) are never split over train and test")
    types: dict[str, Literal["numeric", "categorical"]] = Field({}, description="types that are not left to guessing")
    drop: tuple[str, ...] = Field((), description="columns that are no features, such as an id")


class SeriesEntry(_Entry):
    """Time series in the archives' formats, or as a long table: one row per series and time, channels in columns."""

    id: str = Field("", description="of a long table: column that tells the series apart")
    time: str = Field("", description="of a long table: column by which the steps of a series are in order")
    target: str = Field("", description="of a long table: column with the class, the same in all rows of a series")
    group: str = Field("", description="of a long table: column whose groups are never split over train and test")
    recording: str = Field("", description="of a long table: column with the recording of which a series is a stretch")
    drop: tuple[str, ...] = Field((), description="of a long table: columns that are no channels")


ENTRIES: dict[str, type[CsvEntry] | type[SeriesEntry]] = {"csv": CsvEntry, "series": SeriesEntry}


def own_card(entry: Mapping[str, Any], base: Path) -> Card:
    """The card of own data, without reading it: classes, n and shape are filled in by preparation."""
    stated = parse(entry)
    for file in filter(None, (stated.file, stated.test)):
        if not (base / file).is_file():
            raise DataError(f"there is no file {base / file} (paths are relative to the benchmark file)")
        if set("{}") & set(file):
            raise DataError(f"{file}: the workflow cannot follow a file whose name holds braces; rename it")
    if stated.test and (base / stated.file).samefile(base / stated.test):
        raise DataError(f"{stated.test}: the test file is the training file")
    return Card(
        name=stated.name or _name(stated.file),
        title=Path(stated.file).name,
        modality="tabular" if isinstance(stated, CsvEntry) else "series",
        metric=stated.metric,
        sources=tuple(Source(kind="local", file=file) for file in (stated.file, stated.test) if file),
        licence="own data; its owner decides",
        citation=f"own data, file {Path(stated.file).name}",
        split="official" if stated.test else "grouped" if stated.group else "stratified",
        group=stated.group,
        time="stretches of a recording, by their first time" if getattr(stated, "recording", "") else "",
    )


def card_of(job: Mapping[str, Any]) -> Card:
    """The card behind a stage's job: own data, whose paths a job states from the working folder, or a data set's."""
    if job.get("own"):
        return own_card(job["own"], Path())
    subset = job.get("subset")
    name = subset["of"] if subset else job["dataset"]
    home = importlib.import_module(f"diptych.data.{job.get('home') or name}")
    card = {card.name: card for card in cards(home)}[name]
    return subset_card(card, subset["rows"]) if subset else card


def read_of(job: Mapping[str, Any], files: Files) -> Raw:
    """The raw content behind a stage's job."""
    if not job.get("own"):
        return read_card(card_of(job), files)
    stated = parse(job["own"])
    if isinstance(stated, CsvEntry):
        from diptych.data._csv import read_csv_entry

        return read_csv_entry(stated, files)
    if _is_long(stated.file):
        from diptych.data._long import read_long_entry

        return read_long_entry(stated, files)
    from diptych.data._series_files import read_series_entry

    return read_series_entry(stated, files)


def read_card(card: Card, files: Files) -> Raw:
    """The raw content of one of the suite's data sets, or of the one that it is a subset of."""
    name = card.base or card.name
    module = importlib.import_module(f"diptych.data.{card.home or name}")
    raw: Raw = module.read(files, name) if card.home else module.read(files)
    return raw


def parse(entry: Mapping[str, Any]) -> CsvEntry | SeriesEntry:
    """A validated entry `{csv: {...}}` or `{series: {...}}`; errors name the valid keys."""
    if len(entry) != 1 or next(iter(entry)) not in ENTRIES:
        raise DataError(f"own data is `csv:` or `series:` with its settings, not {', '.join(map(str, entry))}")
    ((kind, settings),) = entry.items()
    if not isinstance(settings, Mapping):
        raise DataError(f"{kind}: a mapping of {', '.join(ENTRIES[kind].model_fields)} was expected")
    try:
        stated = ENTRIES[kind].model_validate(dict(settings))
    except ValidationError as error:
        raise DataError(_explain(kind, error)) from error
    if stated.file == stated.test:
        raise DataError(f"{kind}: `test` is the training file {stated.file}")
    if isinstance(stated, SeriesEntry):
        _check_series(stated)
    return stated


def _check_series(entry: SeriesEntry) -> None:
    """Files of a known format, and the columns of a long table stated for such a table only."""
    for file in filter(None, (entry.file, entry.test)):
        if Path(file).suffix.lower() not in ARCHIVE_FORMATS + LONG_FORMATS:
            allowed = f"{', '.join(ARCHIVE_FORMATS)}; as a long table {', '.join(LONG_FORMATS)}"
            raise DataError(f"series: {file} has no known format; valid: {allowed}")
    if entry.test and _is_long(entry.file) != _is_long(entry.test):
        raise DataError(f"series: of {entry.file} and {entry.test} one is a long table; both or none must be")
    needed = ("id", "time", "target")
    stated = [key for key in (*needed, "group", "recording", "drop") if getattr(entry, key)]
    if _is_long(entry.file) and (absent := [key for key in needed if key not in stated]):
        problem = f"a long table needs `id`, `time` and `target`, its columns; `{absent[0]}` is not stated"
        raise DataError(f"series: {entry.file}: {problem}")
    if not _is_long(entry.file) and stated:
        problem = f"`{stated[0]}` is for long tables ({', '.join(LONG_FORMATS)})"
        raise DataError(f"series: {entry.file}: {problem}; the archives' formats hold the class and no such column")
    if len({entry.id, entry.time, entry.target}) < len(needed) and _is_long(entry.file):
        raise DataError(f"series: {entry.file}: `id`, `time` and `target` must be three columns")


def _is_long(file: str) -> bool:
    return Path(file).suffix.lower() in LONG_FORMATS


def _explain(kind: str, error: ValidationError) -> str:
    valid = ", ".join(ENTRIES[kind].model_fields)
    faults = [f"{kind}.{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    return f"{'; '.join(faults)} (valid keys: {valid})"


def _name(file: str) -> str:
    """The file's stem in small letters, without the `_train` of the archives."""
    stem = re.sub(r"[^a-z0-9]+", "_", Path(file).stem.lower()).strip("_")
    name = stem.removesuffix("_train")
    if not name:
        raise DataError(f"no name can be made of {file}; set `name:`")
    return name[:60]
