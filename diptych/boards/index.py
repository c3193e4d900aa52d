"""The index over benchmarks: one line for each board of a results folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from diptych.boards import site
from diptych.boards.tables import Entry, Table
from diptych.records import ContractError, read_json

FEED = "leaderboard.json"
FIRST = ("1", "1=")  # the places of the best


def write(boards: Path) -> Path:
    """Write index.html of a folder of boards; a board whose feed cannot be read is listed as such."""
    lines = tuple(_line(folder) for folder in sorted(p.parent for p in boards.glob(f"*/{FEED}")))
    page = boards / "index.html"
    site.write(page, "index.html", {"table": Table(HEADINGS, lines)})
    return page


HEADINGS = (
    Entry("benchmark"),
    Entry("written", title="when the report was written, UTC"),
    Entry("cells", title="planned cells", kind="number"),
    Entry("status"),
    Entry("data sets", kind="number"),
    Entry("methods", title="self-supervised rows of the leaderboard", kind="number"),
    Entry("best", title="the rows that share the first place"),
    Entry("files"),
)


def _line(folder: Path) -> tuple[Entry, ...]:
    name = Entry(folder.name, link=f"{folder.name}/report.html")
    try:
        return (name, *_fields(folder, read_json(folder / FEED)))
    except (ContractError, KeyError, TypeError) as error:
        empty = [Entry("", kind=heading.kind) for heading in HEADINGS[2:]]
        return (name, Entry("not readable", title=str(error), kind="bad"), *empty)


def _fields(folder: Path, feed: dict[str, Any]) -> tuple[Entry, ...]:
    status, rows = feed["status"], [row for row in feed["leaderboard"] if row["scope"] == "all"]
    ranked = [row for row in rows if row["role"] == "self-supervised"]
    best = [f"{r['method']}{' (' + r['config'] + ')' if r['config'] else ''}" for r in rows if r["place"] in FIRST]
    counts = sorted(status.items(), key=lambda item: -item[1])
    written = datetime.fromtimestamp((folder / FEED).stat().st_mtime, UTC)
    bad = set(status) - {"ok"}
    return (
        Entry(f"{written:%Y-%m-%d %H:%M}"),
        Entry(str(sum(status.values())), kind="number"),
        Entry(", ".join(f"{n} {name}" for name, n in counts), kind="bad" if bad else "good"),
        Entry(str(len({score["dataset"] for score in feed["scores"]})), kind="number"),
        Entry(str(len(ranked)), kind="number"),
        Entry(", ".join(best) or "–", below=feed["description"], kind="name"),
        Entry("leaderboard.csv", link=f"{folder.name}/leaderboard.csv"),
    )
