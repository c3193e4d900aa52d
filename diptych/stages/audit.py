"""Audit: check a board against its evidence; a finding makes the exit code 1."""

from pathlib import Path


def run(*, benchmark: str, root: str, uri: str, marker: Path | None, rerun: int = 1) -> int:
    """Print the findings and write audit.json and audit.txt."""
    from diptych import audits
    from diptych.records import write_json

    found = audits.run(benchmark, root, uri, rerun)
    for finding in found:
        print(finding)
    print(f"audit: {len(found)} finding{'' if len(found) == 1 else 's'}")
    if marker and not found:
        write_json(marker, {"findings": 0})
    return 1 if found else 0
