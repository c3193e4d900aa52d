"""What changed from one report of a benchmark to the next: rows that came, went, or have another score."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from diptych.boards import links
from diptych.boards.tables import Entry, Table, number_entry
from diptych.records import read_json, write_json

FILE = "changelog.json"
SAME = 1e-9  # scores closer than this are the same
LISTED = 200  # changes of one kind that the page lists; the file has all
KINDS = ("added", "removed", "rescored")
Scores = dict[str, float | None]


def update(folder: Path, scores: list[dict[str, Any]], plan: str) -> list[dict[str, Any]]:
    """All entries, the newest first; a report in which nothing changed adds none.

    The file keeps the scores it last saw, since the workflow clears a board's other files before it writes them again.
    """
    path = folder / FILE
    known = read_json(path) if path.exists() else {"entries": [], "scores": {}}
    now = {_name(score): score["mean"] for score in scores}
    cells = {_name(s): links.cells_of(s["dataset"], s["condition"], s["method"]) for s in scores}
    found = _changes(known["scores"], now, cells)
    entries: list[dict[str, Any]] = known["entries"]
    if any(found.values()):
        about = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "plan": plan, "rows": len(now)}
        entries = [about | found, *entries]
        write_json(path, {"entries": entries, "scores": now})
    return entries


def _name(score: dict[str, Any]) -> str:
    """A row on a data set, in words."""
    where = " · ".join(filter(None, (score["dataset"], score["condition"])))
    return f"{score['method']}{' (' + score['config'] + ')' if score['config'] else ''} on {where}"


def _changes(before: Scores, now: Scores, cells: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    moved = [name for name in now if name in before and not _same(before[name], now[name])]
    return {
        "added": [{"row": name, "new": now[name], "cells": cells[name]} for name in now if name not in before],
        "removed": [{"row": name, "old": before[name]} for name in before if name not in now],
        "rescored": [{"row": name, "old": before[name], "new": now[name], "cells": cells[name]} for name in moved],
    }


def _same(old: float | None, new: float | None) -> bool:
    if old is None or new is None:
        return old is new
    return math.isclose(old, new, abs_tol=SAME)


def sections(entries: list[dict[str, Any]]) -> list[tuple[str, Table]]:
    """A heading and a table for each entry; the first report of a benchmark, which adds everything, has no table."""
    headings = (Entry("change"), Entry("row"), Entry("before", kind="number"), Entry("after", kind="number"))
    found = []
    for place, entry in enumerate(entries):
        counts = ", ".join(f"{len(entry[kind])} {kind}" for kind in KINDS if entry[kind])
        first = place == len(entries) - 1
        listed = () if first else [(kind, change) for kind in KINDS for change in entry[kind][:LISTED]]
        rows = tuple(_line(kind, change, current=place == 0) for kind, change in listed)
        title = f"{entry['date'][:10]}: {'first report, ' if first else ''}{counts}"
        found.append((title, Table(headings, rows)))
    return found


def _line(kind: str, change: dict[str, Any], *, current: bool) -> tuple[Entry, ...]:
    """A change; the score that the board has now leads to its cells."""
    link = change.get("cells", "") if current else ""
    return (Entry(kind), Entry(change["row"]), _score(change.get("old")), _score(change.get("new"), link))


def _score(value: float | None, link: str = "") -> Entry:
    return number_entry(float("nan") if value is None else value, 4, link=link)
