"""Does the board still say what was run? Digests, MLflow against files, scores recomputed, and a cell run again.

Each check returns findings: which cell, which file, what was expected, what was found. No finding means that the check
passed; a check that could not be made is a finding too.
"""

from __future__ import annotations

from diptych import plan
from diptych.audits import integrity, repeat
from diptych.audits.findings import Finding, made, write

__all__ = ["Finding", "run"]


def run(benchmark: str, root: str = "results", uri: str = "", rerun: int = 1) -> list[Finding]:
    """All checks of a benchmark; writes audit.json and audit.txt beside its board."""
    planned = plan.load(benchmark, root)
    folder = planned.root / "boards" / planned.name
    again = repeat.chosen(planned, rerun)
    found = [
        *made("ledger", "all", integrity.ledger, planned, folder),
        *made("rows", "all", integrity.rows, planned, folder),
    ]
    found += made("mlflow", "all", integrity.tracked, planned, uri)
    for cell in planned.cells:
        found += made("jobs", cell.path, integrity.stale, planned, cell)
        found += made("scores", cell.path, integrity.recomputed, planned, cell)
    for cell in again:
        found += made("rerun", cell.path, repeat.repeated, planned, cell)
    write(planned, folder, found, again)
    return found
