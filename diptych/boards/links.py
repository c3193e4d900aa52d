"""Addresses of the pages of a board, all below its folder."""

from __future__ import annotations

import re

from diptych.boards.frame import Row, Task
from diptych.fingerprint import digest


def slug(name: str) -> str:
    """A name as part of an address; one that had to be changed carries its digest, so that no two are the same."""
    safe = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")
    return safe if safe == name else f"{safe}-{digest(name)}"


def method_page(method: str) -> str:
    """The page of a method: settings, all cells, learning curves, cost."""
    return f"methods/{slug(method)}.html"


def dataset_page(dataset: str) -> str:
    """The page of a data set: card, samples, every score, a map of embeddings."""
    return f"datasets/{slug(dataset)}.html"


def every_cell(row: Row) -> str:
    """Where all cells of the method of a row stand."""
    return f"{method_page(row.method)}#cells"


def cells(task: Task, row: Row) -> str:
    """Where the cells behind a score stand: files, MLflow run and exact commands."""
    return cells_of(task.dataset, task.condition, row.method)


def cells_of(dataset: str, condition: str, method: str) -> str:
    """The same for those who know names alone."""
    return f"{method_page(method)}#{slug(str(Task(dataset, condition)))}"
