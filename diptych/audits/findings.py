"""What an audit finds: which check, which cell, which file, what was expected, what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from diptych.records import write_json

if TYPE_CHECKING:
    from diptych.plan import Cell, Plan

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One way in which the evidence does not hold."""

    check: str
    cell: str
    file: str
    expected: str
    found: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.check}: cell {self.cell}: {self.file}: expected {self.expected}, found {self.found}"


def made(check: str, where: str, make: Callable[..., Iterator[Finding]], *arguments: Any) -> Iterator[Finding]:
    """The findings of a check; whatever keeps it from being made is a finding too."""
    try:
        yield from make(*arguments)
    except Exception as error:
        yield Finding(check, where, "", "a check that can be made", f"{type(error).__name__}: {error}")


def write(planned: Plan, folder: Path, found: list[Finding], again: list[Cell]) -> None:
    """The findings for programs and for people."""
    rerun = [cell.path for cell in again]
    about = {"plan": planned.digest, "cells": len(planned.cells), "rerun": rerun}
    write_json(folder / "audit.json", about | {"findings": [asdict(finding) for finding in found]})
    said = [str(finding) for finding in found] or ["no finding"]
    head = f"audit of {planned.name}: {len(planned.cells)} cells, run again: {', '.join(rerun) or 'none'}"
    (folder / "audit.txt").write_text("\n".join([head, *said]) + "\n", encoding="utf-8")
