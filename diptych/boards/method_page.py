"""The page of a method: its paper and settings, every cell with what made it, learning curves, and cost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd
from markupsafe import Markup

from diptych import evidence
from diptych.boards import learning, links
from diptych.boards.frame import Board, Task, groups, lines
from diptych.boards.tables import Entry, Table, name_entry, number_entry, score_entry, task_entry
from diptych.catalog import components
from diptych.plan import Cell
from diptych.records import read_json
from diptych.replay import command

SHORT = 12  # digits of a digest that are shown
COMMANDS = 500  # cells on a page up to which the commands of all stages are written out
FINGERPRINTS = ("code", "data", "commit", "lock")


def context(board: Board, method: str) -> dict[str, Any]:
    """What the template draws."""
    own = board.cells[board.cells["method"] == method]
    known = components("methods").get(method)
    drawn = learning.plot(board, method)
    return {
        "board": board,
        "method": method,
        "role": own["role"].iloc[0],
        "about": known,
        "status": Counter(own["status"]),
        "rows": own["row"].nunique(),
        "settings": settings(own),
        "scores": scores(board, own),
        "cost": cost(board, own),
        "curves": (drawn[0], Markup(drawn[1])) if drawn else None,  # our own figure: matplotlib escapes every name
        "parts": [_part(board, task, part, len(own)) for task, part in groups(own, "task")],
    }


def _part(board: Board, task: Task, own: pd.DataFrame, total: int) -> dict[str, Any]:
    shown = {"task": task, "anchor": links.slug(str(task)), "dataset": links.dataset_page(task.dataset)}
    return shown | {"cells": cells(board, task, own), "commands": list(_commands(board, own, total <= COMMANDS))}


def settings(own: pd.DataFrame) -> Table:
    """Every parameter with the values it has in this benchmark."""
    points = [json.loads(text) for text in dict.fromkeys(own["params"])]
    names = sorted({name for point in points for name in point})
    values = {name: list(dict.fromkeys(str(point[name]) for point in points if name in point)) for name in names}
    rows = ((Entry(n), Entry(", ".join(v), kind="best" if len(v) > 1 else "")) for n, v in values.items())
    return Table((Entry("parameter"), Entry("value", title="bold: several values in this benchmark")), tuple(rows))


def scores(board: Board, own: pd.DataFrame) -> Table:
    """The score that ranks, by row and task."""
    tasks = list(dict.fromkeys(own["task"]))
    nothing = Entry("", kind="number")
    body = []
    for row in dict.fromkeys(own["row"]):
        found = [(task, board.summaries.get((task, row))) for task in tasks]
        shown = [score_entry(s, link=links.cells(t, row)) if s else nothing for t, s in found]
        body.append((name_entry(board, row), *shown))
    headings = [Entry(str(t), below=board.metric(t), title=board.card(t).title, kind="number") for t in tasks]
    return Table((Entry("row"), *headings), tuple(body))


def cost(board: Board, own: pd.DataFrame) -> Table:
    """Seconds, memory and parameters of pretraining, means over seeds."""
    body = []
    for (task, row), part in groups(own, "task", "row"):
        seconds, memory, size = (float(part[name].mean()) for name in evidence.COSTS)
        shown = (number_entry(seconds, 1), number_entry(memory, 1), number_entry(size, 0))
        body.append((task_entry(task), name_entry(board, row), *shown))
    headings = [Entry(h, kind="number") for h in ("seconds of pretraining", "peak memory, MB", "parameters")]
    return Table((Entry("data set"), Entry("row"), *headings), tuple(body))


def cells(board: Board, task: Task, own: pd.DataFrame) -> Table:
    """Every cell of the method on a task: status, score, cost, folder, MLflow run and fingerprints."""
    value = dict(zip(board.scores["cell"], board.scores["value"], strict=True))
    rows = tuple(
        (
            Entry(str(r.row.config or r.row.method), kind="name"),
            Entry(str(r.seed), kind="number"),
            Entry(str(r.status), below=str(r.reason), kind="" if r.status == "ok" else "bad"),
            number_entry(float(value.get(r.cell, float("nan"))), 4),
            number_entry(float(r.seconds), 1, "number muted"),
            Entry(f"{board.plan.root.as_posix()}/runs/{r.cell}", kind="path"),
            Entry(str(r.run_id), kind="path"),
            *(_digest(r, name) for name in FINGERPRINTS),
        )
        for r in lines(own)
    )
    headings = (
        Entry("row"),
        Entry("seed", kind="number"),
        Entry("status"),
        Entry(board.metric(task), below=board.probe, title="the score that ranks, on test", kind="number"),
        Entry("s", title="seconds of pretraining", kind="number"),
        Entry("folder of its files"),
        Entry("MLflow run"),
    )
    return Table((*headings, *map(Entry, FINGERPRINTS)), rows)


def _digest(line: Any, name: str) -> Entry:
    text = str(getattr(line, name))
    changed = name == "commit" and line.dirty == "true"
    return Entry(text[:SHORT], below="with local changes" if changed else "", title=text, kind="muted")


def _commands(board: Board, own: pd.DataFrame, every: bool) -> Iterator[tuple[str, list[str]]]:
    """The cell and the exact commands of its stages; of pretraining alone where a page would grow too long."""
    known = {cell.path: cell for cell in board.plan.cells}
    for r in lines(own):
        later = list(_later(board, known[r.cell])) if every else []
        yield str(r.cell), [str(r.command), *later]


def _later(board: Board, cell: Cell) -> Iterator[str]:
    """Commands of the stages after pretraining, from the records of what was run, where these are still there."""
    for stage in board.plan.cell_stages(cell)[1:]:
        record = getattr(board.plan.files(cell), evidence.STAGES[stage])
        if record.is_file():
            yield command(board.plan, cell, stage, read_json(record).get("job") or {})


def pages(board: Board) -> dict[str, dict[str, Any]]:
    """Address and content of the page of every planned method."""
    return {links.method_page(name): context(board, name) for name in dict.fromkeys(board.cells["method"])}
