"""Aggregate: read the results of a benchmark back from MLflow and hold them against the files."""

from pathlib import Path


def run(*, benchmark: str, root: str, uri: str, marker: Path | None) -> int:
    """Write results.parquet, results.csv, cells.parquet and ledger.json; a difference raises."""
    from diptych import aggregate, plan
    from diptych.records import write_json

    planned = plan.load(benchmark, root)
    folder = planned.root / "boards" / planned.name
    table = aggregate.write(planned, uri, folder)
    print(f"{len(planned.cells)} cells, {len(table)} rows in {folder / 'results.parquet'}; MLflow equals the files")
    if marker:
        write_json(marker, {"plan": planned.digest, "rows": len(table)})
    return 0
