"""Report: leaderboards, figures and self-contained pages, from what was read back from MLflow."""

from pathlib import Path


def run(*, benchmark: str, root: str, uri: str, marker: Path | None) -> int:
    """Write leaderboard.csv, .json, .md, report.html and its pages of a benchmark, and the index over benchmarks."""
    from diptych import plan
    from diptych.boards import index, page
    from diptych.boards.frame import Board
    from diptych.records import write_json

    planned = plan.load(benchmark, root)
    folder = planned.root / "boards" / planned.name
    page.write(Board(planned, folder), folder, uri)
    index.write(folder.parent)
    print(f"report: {folder / 'report.html'}")
    if marker:
        write_json(marker, {"plan": planned.digest})
    return 0
