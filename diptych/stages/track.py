"""Track: every planned cell's files as one run in MLflow, and nothing else."""

from pathlib import Path


def run(*, benchmark: str, root: str, uri: str, marker: Path | None) -> int:
    """Bring the store in line with the files; the marker notes what was done and where."""
    from diptych import plan, track
    from diptych.records import write_json
    from diptych.store import resolve

    planned = plan.load(benchmark, root)
    counts = track.sync(planned, uri)
    said = ", ".join(f"{n} {what}" for what, n in counts.items())
    print(f"tracked {len(planned.cells)} cells of {planned.name} in {resolve(uri, root)}: {said}")
    if marker:
        write_json(marker, {"uri": resolve(uri, root), "plan": planned.digest, "cells": len(planned.cells)} | counts)
    return 0
