"""Does the board still say what was run, and does that mean what it seems to? Files, records, MLflow, boards, validity.

Each check returns findings: which cell, which file, what was expected, what was found. No finding means that the check
passed; a check that could not be made is a finding too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from diptych import plan
from diptych.audits import agreement, board, data, health, integrity, leakage, repeat, report, scores, tuning, validity
from diptych.audits.findings import Finding, errors, made, tally
from diptych.audits.kept import Case, Kept
from diptych.records import ContractError

__all__ = ["Finding", "errors", "run", "tally"]

WHOLE: tuple[tuple[str, Callable[[Kept], Iterator[Finding]]], ...] = (
    ("ledger", integrity.ledger),
    ("jobs", integrity.data_records),
    ("sources", data.sources),
    ("data", data.prepared),
    ("leakage", leakage.shared),
    ("seeds", integrity.seeds),
    ("seeds", validity.few_seeds),
    ("environment", integrity.environment),
    ("board", board.planned),
    ("board", board.copies),
    ("leaderboard", board.leaderboard),
    ("dropped", board.unplanned),
    ("validity", validity.board),
)
OF_A_CELL: tuple[tuple[str, Callable[[Case], Iterator[Finding]]], ...] = (
    ("records", integrity.records),
    ("made", integrity.made),
    ("rows", data.rows),
    ("scores", scores.recomputed),
    ("metrics", scores.possible),
    ("health", health.healthy),
    ("tuning", tuning.tuned),
    ("collapse", validity.collapsed),
    ("board", board.results),
    ("board", board.cells),
    ("mlflow", board.tracked),
)


def run(
    benchmark: str, root: str = "results", uri: str = "", rerun: int | None = 1, budget: float = float("inf")
) -> list[Finding]:
    """All checks of a benchmark; writes audit.json, audit.txt and audit.html beside its board.

    `rerun` cells are run again (all for None), and none is begun after `budget` seconds.
    """
    planned = plan.load(benchmark, root)
    kept = Kept(planned, uri)
    again = repeat.Again(kept, repeat.chosen(planned, rerun), budget)
    found = [finding for check, make in WHOLE for finding in made(check, "all", make, kept)]
    for case in kept.cases:
        found += _of_a_cell(case)
    found += made("rerun", "all", again.run)
    found += made("rerun", "all", agreement.together, again)
    report.write(kept, found, again)
    return found


def _of_a_cell(case: Case) -> Iterator[Finding]:
    """All checks of one cell; where its files cannot be read, that alone."""
    yield from made("jobs", case.name, integrity.jobs, case)
    try:
        _ = case.said
    except (ContractError, OSError, ValueError) as error:
        yield Finding("records", case.name, "", "files that can be read", f"{type(error).__name__}: {error}")
        return
    for check, make in OF_A_CELL:
        yield from made(check, case.name, make, case)
    case.forget()
