"""What an audit finds: which check, which cell, which file, what was expected, what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from diptych.boards.tables import counted

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One way in which the evidence does not hold, or (a warning) in which it says less than it seems to say."""

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


def errors(found: list[Finding]) -> list[Finding]:
    """Those that say that something is wrong."""
    return [finding for finding in found if finding.severity == "error"]


def tally(found: list[Finding]) -> str:
    """How many of each severity, in words."""
    wrong = len(errors(found))
    return f"{counted(wrong, 'error')} and {counted(len(found) - wrong, 'warning')}"
