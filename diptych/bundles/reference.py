"""Results kept in git: `reference/<benchmark>/` in the folder of results holds a bundle and its board, csv and md."""

from __future__ import annotations

import shutil
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from diptych.boards.tables import Entry, Table, counted, markdown, plain_line
from diptych.bundles import pack

if TYPE_CHECKING:
    from diptych.plan import Plan

FOLDER = Path("results/reference")
BOARD, TEXT = "leaderboard.csv", "leaderboard.md"
LARGEST = 5_000_000  # bytes of a bundle in git
SHOWN = 10  # ranked rows
COLUMNS = (
    Entry("place", kind="number"),
    Entry("method"),
    Entry("mean rank", below="95 %", kind="number"),
    Entry("share", kind="number"),
    Entry("above / tied / below random", kind="number"),
    Entry("cells", kind="number"),
)


def publish(planned: Plan) -> Path:
    """Write the folder of a finished benchmark; returns its bundle."""
    folder = planned.root / "reference" / planned.name
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{planned.name}.zip"
    pack.write(planned, out)
    shutil.copyfile(planned.root / "boards" / planned.name / BOARD, folder / BOARD)
    (folder / TEXT).write_text(text(out), encoding="utf-8")
    return out


def text(path: Path) -> str:
    """The board of a bundle as Markdown, made from what it holds."""
    from diptych.boards.frame import Board
    from diptych.boards.page import markdown as board_text
    from diptych.bundles.read import opened

    with opened(path) as bundle:
        return board_text(Board(cast("Plan", bundle.plan), bundle.folder))


def bundles(folder: Path) -> list[Path]:
    """Every reference bundle, by name."""
    return sorted(folder.glob("*/*.zip"))


def leaderboards(folder: Path) -> str:
    """Of every reference board the best rows and the controls beside them, effects and claims, as Markdown."""
    return "\n".join("\n".join(_section(path)).rstrip() + "\n" for path in bundles(folder))


def _section(path: Path) -> Iterator[str]:
    from diptych.bundles.read import opened

    with opened(path) as bundle:
        spec, about, feed = bundle.plan.spec, bundle.json(pack.ABOUT), bundle.json("leaderboard.json")
    board = f"{FOLDER.as_posix()}/{path.parent.name}"
    yield f"### [{spec.name}]({board}/{TEXT})\n"
    yield f"{spec.description.strip()} Made {about['first'][:10]}, {_machines(about)}; [bundle]({board}/{path.name}).\n"
    yield from _best(path.parent / BOARD)
    yield from (f"- {plain_line(effect['line'])}" for effect in feed["effects"])
    yield from map(_agreement, feed["agreement"])


def _best(file: Path) -> Iterator[str]:
    """The rows that are ranked over all data sets, up to the last one shown; nothing where there is one."""
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    rows = table[table["scope"] == "all"].to_dict("records")
    ranked = [i for i, row in enumerate(rows, 1) if row["place"]][:SHOWN]
    if len(ranked) > 1:
        yield markdown(Table(COLUMNS, tuple(map(_entries, rows[: ranked[-1]])))) + "\n"


def _agreement(found: dict[str, Any]) -> str:
    return (
        f"- Published figures ({found['kind']}) of {found['method']}, {found['probe']}, {found['metric']}: mean "
        f"|difference| {found['absolute']:.4f} over {counted(found['datasets'], 'data set')}, mean difference "
        f"{found['difference']:+.4f}."
    )


def _entries(row: dict[Hashable, Any]) -> tuple[Entry, ...]:
    """A row of the board; what is not ranked has no place."""
    top = "†" if row["top_group"] == "True" else ""
    interval = f"{float(row['rank_low']):.1f} to {float(row['rank_high']):.1f}" if row["rank_low"] else ""
    return (
        Entry((row["place"] or "–") + top),
        Entry(row["method"], below=row["config"], badge="" if row["place"] else row["role"]),
        Entry(f"{float(row['mean_rank']):.2f}", below=interval),
        Entry(f"{float(row['mean_share']):.2f}" if row["mean_share"] else "–"),
        Entry(" / ".join(row[f"{how}_random"] for how in ("above", "tied", "below"))),
        Entry(f"{row['scored']}/{row['planned']}"),
    )


def _machines(about: dict[str, Any]) -> str:
    return "; ".join(sorted({f"{e['processor']}, Python {e['python']}" for e in about["environments"]}))
