"""Audit: check a board against its evidence; an error makes the exit code 1, warnings alone do not."""

from pathlib import Path


def run(
    *,
    benchmark: str,
    root: str,
    uri: str,
    marker: Path | None,
    rerun: int | None = 1,
    budget: float = float("inf"),
) -> int:
    """Print the findings and write audit.json, audit.txt and audit.html."""
    from diptych import audits
    from diptych.records import write_json

    found = audits.run(benchmark, root, uri, rerun, budget)
    for finding in found:
        print(f"{finding.severity}: {finding}")
    print(f"audit: {audits.tally(found)}")
    wrong = len(audits.errors(found))
    if marker and not wrong:
        write_json(marker, {"errors": 0, "warnings": len(found)})
    return 1 if wrong else 0
