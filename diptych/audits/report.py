"""The audit for programs (audit.json), for a terminal (audit.txt) and for a browser (audit.html)."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from diptych.audits import agreement
from diptych.audits.findings import Finding, errors, tally
from diptych.audits.kept import Kept
from diptych.audits.leakage import LOOKED_AT, NEAR
from diptych.audits.types import TYPES
from diptych.audits.verdicts import VERDICTS
from diptych.boards import links, site
from diptych.boards.tables import Entry, Table, number_entry
from diptych.records import ContractError, atomic, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from diptych.audits.repeat import Again

ENOUGH = 5  # seeds
CHECKS = {  # in the order of the report
    "ledger": "every file has the digest that was noted when the board was made",
    "made": "every file has the digest that the record of its stage noted when it was made",
    "jobs": "every record is of the job that the plan asks for now: settings, seed, code, data",
    "records": "statuses, losses and data fingerprints of records agree with the files",
    "seeds": "no two seeds share a file, and there are enough of them",
    "environment": "one Python, one set of libraries, the lock file as it was",
    "sources": "source files are those that the cards pin",
    "data": "prepared arrays have their fingerprints, and cards say what the suite says",
    "rows": "embeddings and predictions are of the rows of the data, in order",
    "scores": "every score follows from the predictions that were kept",
    "metrics": "scores lie within bounds and obey the identities of their metrics",
    "health": "the health of embeddings follows from those that were kept",
    "tuning": "every fit is noted and chose a value that its probe can choose",
    "mlflow": "the one run of every cell says what the files say",
    "dropped": "MLflow has no run of a cell that the plan does not ask for",
    "board": "the long table, its copy and the table of cells say what the files say",
    "leaderboard": "made again from the long table, the leaderboard is the same",
    "ids": "train and test have rows, and no id is in both",
    "objects": "no object, of which several rows come, is in both",
    "groups": "no group is in both",
    "duplicates": "no test row is a training row, or nearly one",
    "permuted": "probes of shuffled labels are at chance",
    "controls": "no method is below the random encoder",
    "range": "floor and ceiling are apart, and methods are not all at the top",
    "collapse": "no collapsed encoder is ranked",
    "rerun": "cells run again give the same scores, or scores as far away as other seeds",
}


def write(kept: Kept, found: list[Finding], again: Again) -> None:
    """All three, into the folder of the board."""
    repeated = agreement.summary(again)
    told: dict[str, Any] = {"plan": kept.plan.digest, "cells": len(kept.cases), "rerun": list(repeated["cells"])}
    wrong = len(errors(found))
    told |= {"errors": wrong, "warnings": len(found) - wrong, "leakage": _leakage(found)}
    told["notes"] = [*agreement.lines(repeated), *_notes(kept)]
    write_json(kept.folder / "audit.json", told | {"repeated": repeated, "findings": [asdict(f) for f in found]})
    said = [f"{finding.severity}: {finding}" for finding in found] or ["no finding"]
    head = f"audit of {kept.plan.name}: {told['cells']} cells, run again: {', '.join(told['rerun']) or 'none'}"
    came_back = [f"run again: {cell}: {own['verdict']}" for cell, own in repeated["cells"].items()]
    lines = [head, tally(found), *said, *came_back, *(f"note: {note}" for note in told["notes"])]
    _write_text(kept.folder / "audit.txt", "\n".join(lines) + "\n")
    context = told | {"name": kept.plan.name, "benchmark": kept.plan.benchmark.as_posix(), "passed": not wrong}
    context |= {"checks": _checks(found), "findings": _findings(found), "types": _types(found)}
    context |= {"again": _again(again), "verdicts": agreement.counts(repeated["verdicts"])}
    site.write(kept.folder / "audit.html", "audit.html", context)


def _write_text(path: Path, content: str) -> None:
    atomic(path, lambda temporary: temporary.write_text(content, encoding="utf-8"))


def _notes(kept: Kept) -> list[str]:
    """What a reader of the verdict must know."""
    told = [
        "Files were checked against the digests in the records of their stages and in the ledger of the board. Who "
        "rewrites all of these is found only by checks of the content and by running again.",
        f"Near-duplicates: test rows nearer to a training row than {NEAR:g} of the median distance, among at most "
        f"{LOOKED_AT[0]} test and {LOOKED_AT[1]} training rows; graphs are compared for identity alone.",
        "That test rows had no part in a choice cannot be seen from files. Nor can losses before the last one, times, "
        "memory, and scores of held-out training rows be made again from them: running again shows all but the cost.",
        "leaderboard.md and the pages are made from what was checked, and are not read here.",
    ]
    told += _lucky(kept)
    if len(kept.plan.spec.seeds) < ENOUGH:
        told.append(f"{len(kept.plan.spec.seeds)} seeds: intervals of a single row are wide below {ENOUGH}.")
    return told


def _lucky(kept: Kept) -> list[str]:
    """Shuffles that agree with the true labels; nothing where the check of shuffled labels could not be made."""
    try:
        lucky = [own for own in kept.shuffled if not own.leaks]
    except (ContractError, OSError, KeyError):
        return []
    where = "; ".join(f"{own.score.task} {own.score.row} {own.score.metric} {own}" for own in lucky)
    luck = "Probes of permuted labels above chance since a shuffle agrees with the true ones, which is luck and no leak"
    return [f"{luck}: {where}."] if lucky else []


def _leakage(found: list[Finding]) -> list[dict[str, Any]]:
    """Each type with the number of findings of the checks that would show it."""
    by = Counter(finding.check for finding in found)
    return [asdict(t) | {"findings": sum(by[check] for check in t.checks)} for t in TYPES]


def _checks(found: list[Finding]) -> Table:
    """Every check and how many findings it has."""
    by = Counter((finding.check, finding.severity) for finding in found)
    names = [*CHECKS, *sorted({finding.check for finding in found} - CHECKS.keys())]
    counts = [(by[name, "error"], by[name, "warning"]) for name in names]
    rows = tuple(
        (Entry(name), Entry(CHECKS.get(name, "")), _count(wrong, "bad"), _count(doubtful, ""))
        for name, (wrong, doubtful) in zip(names, counts, strict=True)
    )
    return Table((Entry("check"), Entry("holds when"), _right("errors"), _right("warnings")), rows)


def _right(text: str) -> Entry:
    return Entry(text, kind="number")


def _count(n: int, kind: str) -> Entry:
    return Entry(str(n), kind=f"number {kind if n else 'muted'}".strip())


def _findings(found: list[Finding]) -> Table:
    """Every finding, errors first."""
    ordered = sorted(found, key=lambda finding: finding.severity != "error")
    rows = tuple(
        (
            Entry(f.severity, kind="bad" if f.severity == "error" else ""),
            Entry(f.check),
            *(Entry(text, kind="path") for text in (f.cell, f.file, f.expected, f.found)),
        )
        for f in ordered
    )
    return Table(tuple(map(Entry, ("severity", "check", "cell", "file", "expected", "found"))), rows)


def _again(again: Again) -> Table:
    """A line for every score that did not come back identical, the worst first."""
    scores = [(repeat.cell, score) for repeat in again.done for score in repeat.scores]
    ordered = sorted(
        (pair for pair in scores if pair[1].verdict != "identical"), key=lambda pair: -VERDICTS.index(pair[1].verdict)
    )
    rows = tuple(
        (
            Entry(cell.path, kind="path"),
            Entry(" ".join(map(str, score.place)), kind="path"),
            Entry(score.verdict, kind="bad" if score.verdict == "shifted" else ""),
            number_entry(score.old, 6, link=links.cells_of(cell.dataset, cell.condition, cell.method)),
            number_entry(score.new, 6),
            Entry(score.expected if score.verdict in ("seed-noise", "shifted") else "", kind="muted"),
        )
        for cell, score in ordered
    )
    return Table((*map(Entry, ("cell", "score", "verdict")), _right("old"), _right("new"), Entry("stored seeds")), rows)


def _types(found: list[Finding]) -> Table:
    rows = tuple(
        (
            Entry(f"{told['number']} {told['title']}"),
            Entry(told["how"]),
            Entry(", ".join(told["checks"])),
            _count(told["findings"], ""),
        )
        for told in _leakage(found)
    )
    return Table((Entry("type"), Entry("what would show it"), Entry("checks"), _right("findings")), rows)
