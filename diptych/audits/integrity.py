"""Are the files of the cells those that were made, by the jobs of the plan, each by a run of its own?

Every record holds the digests of what its stage made; the ledger, written with the board, those of all files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from diptych import replay
from diptych.audits.findings import Finding, Severity
from diptych.audits.kept import ABSENT, Case, Kept
from diptych.evidence import STAGES
from diptych.provenance import LOCK
from diptych.records import STATUSES, read_table
from diptych.state import cell_jobs, data_jobs

# table -> what it was computed from
SCORED = {"scores": "predictions", "robustness": "robustness_predictions", "finetune": "finetune_predictions"}
OWN = ("encoder", "embeddings", "predictions")  # files that no two seeds of a method with random weights share
# stage -> the files that a stage that ended well fills, and any other leaves empty
FILLED = {
    "pretrain": (),
    "embed": ("embeddings",),
    "probe": ("scores", "predictions"),
    "robustness": ("robustness", "robustness_predictions"),
    "finetune": ("finetune",),
}


def ledger(kept: Kept) -> Iterator[Finding]:
    """Every file of every planned cell has the digest that was noted when the board was made."""
    noted, planned = kept.ledger, kept.plan.digest
    if noted["plan"] != planned:
        yield Finding("ledger", "all", "ledger.json", f"plan {planned}", f"plan {noted['plan']}")
    asked = {case.name: case for case in kept.cases}
    for name in sorted(asked.keys() ^ noted["cells"].keys()):
        states = ("files", "none") if name in asked else ("no files", "some")
        yield Finding("ledger", name, "ledger.json", *states)
    for name, files in noted["cells"].items():
        unnoted = {kept.below(path) for path in asked[name].files.values()} - files.keys() if name in asked else ()
        yield from (Finding("ledger", name, file, "a noted digest", "none") for file in sorted(unnoted))
        for file, digest in files.items():
            found = kept.digest(kept.plan.root / file)
            if found != digest:
                yield Finding("ledger", name, file, _named(digest), _named(found))


def _named(digest: str) -> str:
    return digest if digest == ABSENT else f"sha256 {digest}"


def made(case: Case) -> Iterator[Finding]:
    """Every file has the digest that the record of its stage noted when it was made."""
    for stage, outputs in replay.OUTPUTS.items():
        noted = case.said.records.get(stage, {}).get("made", {})
        for name, role in outputs.items():
            if role in case.files and role != STAGES[stage]:
                found, digest = case.kept.digest(case.files[role]), noted.get(name, "none")
                if found != digest:
                    yield Finding("made", case.name, case.place(role), _named(digest), _named(found))


def jobs(case: Case) -> Iterator[Finding]:
    """Every record of the cell is of the very job that the plan asks for now: settings, seed and code."""
    for job in cell_jobs(case.kept.plan, case.cell):
        if job.state != "cached":
            yield Finding(
                "jobs", case.name, case.kept.below(job.record), "the job of the plan", f"a {job.state} record"
            )


def data_records(kept: Kept) -> Iterator[Finding]:
    """The same for the records of downloaded and prepared data."""
    for job in data_jobs(kept.plan):
        if job.state != "cached":
            found = f"a {job.state} record"
            yield Finding("jobs", job.name, kept.below(job.record), "the job of the plan", found)


def records(case: Case) -> Iterator[Finding]:
    """What a record says of its stage is what its files hold: status, history, data."""
    yield from _statuses(case)
    record, history = case.said.records["pretrain"], case.said.history
    if record["status"] != "ok":
        return
    last = float(history["loss"].iloc[-1]) if len(history) else None
    for name, stated, seen in (("steps", record.get("steps"), len(history)), ("loss", record.get("final_loss"), last)):
        if stated != seen:
            yield Finding("records", case.name, case.place("history"), f"{name} {stated} (record)", f"{name} {seen}")
    if record.get("data") != case.prepared("pretrain_data").card["fingerprints"]:
        found = "fingerprints of other data"
        yield Finding("records", case.name, case.place("record"), "the fingerprints of the prepared data", found)


def _statuses(case: Case) -> Iterator[Finding]:
    """A stage that did not end well passes its status on; one that did has filled its files, and no other has."""
    said, from_above = case.said.records, "ok"
    stages = case.kept.plan.cell_stages(case.cell)
    for stage in stages:
        role, status = STAGES[stage], said[stage]["status"]
        allowed = set(STATUSES) if from_above == "ok" else {from_above}
        if status not in allowed:
            expected = f"status {from_above}, as of the stage before" if from_above != "ok" else "a known status"
            yield Finding("records", case.name, case.place(role), expected, f"status {status}")
        for name in FILLED[stage]:
            if _empty(case, name) != (status != "ok"):
                content = ("content", "none") if status == "ok" else ("nothing", "content")
                expected = f"{content[0]}, as its status is {status}"
                yield Finding("records", case.name, case.place(name), expected, content[1])
        from_above = status if stage in ("pretrain", "embed") else from_above
    yield from _weights(case, said["pretrain"])


def _weights(case: Case, record: dict[str, Any]) -> Iterator[Finding]:
    """The weight file is whole, and has room for the parameters of the record."""
    if record["status"] != "ok":
        return
    stated, found = record.get("parameters"), _values_in(case.files["encoder"])
    if stated is None or found < stated:
        expected = f"weights of {stated} parameters (record), as its status is ok"
        yield Finding("records", case.name, case.place("encoder"), expected, f"{found} values")


def _values_in(weights: Path) -> int:
    """Values in a safetensors file; 0 where it ends before its header says."""
    content = weights.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    try:
        tensors = [t for name, t in json.loads(content[8:start]).items() if name != "__metadata__"]
    except ValueError:
        return 0
    whole = start + max((tensor["data_offsets"][1] for tensor in tensors), default=0) <= len(content)
    return sum(math.prod(tensor["shape"]) for tensor in tensors) if whole else 0


def _empty(case: Case, role: str) -> bool:
    path = case.files[role]
    return not (case.arrays(role) if path.suffix == ".npz" else len(read_table(path)))


def seeds(kept: Kept) -> Iterator[Finding]:
    """No two seeds of a method with random weights share a file, as copies of the best one would."""
    groups: dict[tuple[str, str, str], list[Case]] = {}
    for case in kept.cases:
        if _random_weights(kept, case):
            groups.setdefault((case.cell.dataset, case.cell.method, case.cell.config), []).append(case)
    for group in groups.values():
        for first, second in combinations(group, 2):
            for role in OWN:
                if kept.digest(first.files[role]) == kept.digest(second.files[role]):
                    expected = f"another content than that of {first.place(role)}"
                    yield Finding("seeds", second.name, second.place(role), expected, "the same bytes")


def _random_weights(kept: Kept, case: Case) -> bool:
    about = kept.about.get(case.name, {})
    return about.get("status") == "ok" and bool(about["parameters"])


def environment(kept: Kept) -> Iterator[Finding]:
    """The cells of a board come from one environment, and it is the one that the lock file describes now."""
    made = {name: about["environment"] for name, about in kept.about.items() if about["environment"]}
    versions = {name: _versions(found) for name, found in made.items()}
    for what in sorted({key for found in versions.values() for key in found}):
        yield from _mixed(what, {name: found.get(what, "none") for name, found in versions.items()})
    locks = {name: found.get("lock", "") for name, found in made.items()}
    yield from _mixed("lock", locks)
    now = kept.digest(LOCK)
    if drifted := [name for name, lock in locks.items() if lock != now]:
        found = f"another one for {len(drifted)} of {len(locks)} cells: sha256 {locks[drifted[0]]}"
        yield _drift(drifted[0], LOCK.name, _named(now) + ", the lock file as it is", found)


def _versions(found: dict[str, Any]) -> dict[str, str]:
    """Python, the kind of machine, and the libraries that shape numbers."""
    told = {name: str(found.get(name, "")) for name in ("python", "processor")}
    return told | {f"version of {name}": str(v) for name, v in found.get("versions", {}).items()}


def _mixed(what: str, by_cell: dict[str, str]) -> Iterator[Finding]:
    """One finding for each value that is not the commonest one."""
    values = list(by_cell.values())
    usual = max(dict.fromkeys(values), key=values.count, default="")
    for value in dict.fromkeys(v for v in values if v != usual):
        own = [name for name, v in by_cell.items() if v == value]
        expected = f"{what} {usual}, as of {values.count(usual)} cells"
        yield _drift(own[0], "pretrain.json", expected, f"{value} in {len(own)} cell{'s' * (len(own) > 1)}")


def _drift(cell: str, file: str, expected: str, found: str, severity: Severity = "warning") -> Finding:
    return Finding("environment", cell, file, expected, found, severity)
