"""The page of a data set: its card, what its samples look like, every score on it, and a map of embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from diptych.boards import damage, details, links, maps, samples, tables
from diptych.boards.figures import Drawn
from diptych.boards.frame import Board, Task
from diptych.boards.tables import Entry, Table, count_entry, task_entry
from diptych.data.card import Card
from diptych.records import read_json


def context(board: Board, dataset: str, curves: list[damage.Curve]) -> dict[str, Any]:
    """What the template draws."""
    card, tasks = board.plan.card(dataset), [task for task in board.tasks if task.dataset == dataset]
    data, record = _prepared(board, dataset)
    facts = record.get("facts") or {}
    picture, rows = samples.show(data, facts)
    classes = tuple(card.classes or facts.get("class_names") or ())
    return {
        "board": board,
        "card": card,
        "about": about(card, record),
        "counts": counts(record),
        "picture": _safe(picture),
        "rows": rows,
        "parts": [_part(board, task, curves, classes) for task in tasks],
    }


def _part(board: Board, task: Task, curves: list[damage.Curve], classes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "task": task,
        "anchor": links.slug(str(task)),
        "scores": tables.task_table(board, task),
        "map": _safe(maps.plot(board, task, classes)),
        "probes": list(details.probe_tables(board, task)),
        "areas": details.areas(board, task, curves),
        "health": details.health(board, task),
    }


def _safe(drawn: Drawn | None) -> Drawn | None:
    """Our own figure, in which matplotlib has escaped every name."""
    return (drawn[0], Markup(drawn[1])) if drawn else None


def _prepared(board: Board, dataset: str) -> tuple[Path, dict[str, Any]]:
    """The prepared file of a data set as its cells are probed on it, and its record where that is still there."""
    files = board.plan.files(next(cell for cell in board.plan.cells if cell.dataset == dataset))
    return files.data, read_json(files.card) if files.card.is_file() else {}


def about(card: Card, record: dict[str, Any]) -> list[tuple[str, str]]:
    """Term and content of a card."""
    facts = record.get("facts") or {}
    files = [f"{f['origin']} {f['file']}".strip() for f in record.get("files") or []]
    lines = {
        "Modality": card.modality + (" (synthetic)" if card.synthetic else ""),
        "Samples": f"{facts['n_train']:,} train, {facts['n_test']:,} test" if "n_train" in facts else "",
        "Shape": _shape(facts.get("shape") or card.shape),
        "Split": card.split + (f" by {card.group}" if card.group else ""),
        "Metric": card.metric,
        "Licence": card.licence,
        "Citation": card.citation,
        "Source": "; ".join(files),
        "Scaling": str(facts.get("scaling", "")),
        "Caveats": "; ".join((record.get("card") or {}).get("caveats") or card.caveats),
    }
    return [(term, text) for term, text in lines.items() if text]


def _shape(shape: Any) -> str:
    """Of one sample; of a pair, of both parts."""
    if isinstance(shape, dict):
        return ", ".join(f"{name} {_shape(part)}" for name, part in shape.items())
    return " × ".join(map(str, shape))


def counts(record: dict[str, Any]) -> Table:
    """Rows of each class in each split."""
    splits = {name: found for name, found in (record.get("counts") or {}).items() if isinstance(found, dict)}
    names = list(dict.fromkeys(name for found in splits.values() for name in found))
    rows = ((Entry(n), *(count_entry(found.get(n, 0)) for found in splits.values())) for n in names)
    return Table((Entry("class"), *(Entry(split, kind="number") for split in splits)), tuple(rows))


def overview(board: Board) -> Table:
    """Every data set of a benchmark: what it is, and under which licence."""
    rows = []
    for name, card in board.plan.cards.items():
        task = next(task for task in board.tasks if task.dataset == name)
        test = sum(board.test_counts(task))
        first = task_entry(Task(name, ""), title=card.title)
        kind = Entry("synthetic" if card.synthetic else "real")
        size = (Entry(str(len(board.test_counts(task)) or "–"), kind="number"), count_entry(test))
        texts = (Entry(card.title), Entry(card.modality), Entry(card.licence), kind, Entry(card.split))
        rows.append((first, *texts, Entry(board.metric(task)), *size))
    headings = ("data set", "title", "modality", "licence", "origin", "split", "metric")
    numbers = (Entry("classes", kind="number"), Entry("test rows", kind="number"))
    return Table((*map(Entry, headings), *numbers), tuple(rows))


def pages(board: Board, curves: list[damage.Curve]) -> dict[str, dict[str, Any]]:
    """Address and content of the page of every data set."""
    return {links.dataset_page(name): context(board, name, curves) for name in board.plan.cards}
