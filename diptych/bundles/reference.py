"""Results kept in git: `reference/<benchmark>/` in the folder of results holds a bundle and its board, csv and md."""

from __future__ import annotations

import shutil
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from diptych.bundles import pack

if TYPE_CHECKING:
    from diptych.plan import Plan

FOLDER = Path("results/reference")
BOARD = ("leaderboard.csv", "leaderboard.md")
LARGEST = 5_000_000  # bytes of a bundle in git
SHOWN = 10  # ranked rows


def publish(planned: Plan) -> Path:
    """Write the folder of a finished benchmark; returns its bundle."""
    folder = planned.root / "reference" / planned.name
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{planned.name}.zip"
    pack.write(planned, out)
    for name in BOARD:
        shutil.copyfile(planned.root / "boards" / planned.name / name, folder / name)
    return out


def bundles(folder: Path) -> list[Path]:
    """Every reference bundle, by name."""
    return sorted(folder.glob("*/*.zip"))


def leaderboards(folder: Path) -> str:
    """The best rows of every reference board and the controls beside them, as Markdown."""
    return "\n".join("\n".join(_section(path)) + "\n" for path in bundles(folder))


def _section(path: Path) -> Iterator[str]:
    from diptych.bundles.read import opened

    with opened(path) as bundle:
        spec, about = bundle.plan.spec, bundle.json(pack.ABOUT)
    board = f"{FOLDER.as_posix()}/{path.parent.name}"
    yield f"### [{spec.name}]({board}/leaderboard.md)\n"
    yield f"{spec.description.strip()} Made {about['first'][:10]}, {_machines(about)}; [bundle]({board}/{path.name}).\n"
    table = pd.read_csv(path.parent / BOARD[0], dtype=str, keep_default_na=False)
    overall = table[table["scope"] == "all"]
    rows = overall.to_dict("records")
    last = [row["place"] for row in rows if row["place"]][:SHOWN][-1:]
    yield "| place | method | mean rank (95 %) | share | above / tied / below random | cells |"
    yield "| --: | :-- | --: | --: | --: | --: |"
    for row in rows:
        yield _line(row)
        if [row["place"]] == last:
            return


def _line(row: dict[Hashable, Any]) -> str:
    """A row of the board; what is not ranked has no place."""
    name = f"{row['method']} ({row['config']})" if row["config"] else row["method"]
    named = name if row["place"] else f"{name} [{row['role']}]"
    share = f"{float(row['mean_share']):.2f}" if row["mean_share"] else "–"
    beside = " / ".join(row[f"{how}_random"] for how in ("above", "tied", "below"))
    interval = f" ({float(row['rank_low']):.1f} to {float(row['rank_high']):.1f})" if row["rank_low"] else ""
    rank, place = f"{float(row['mean_rank']):.2f}{interval}", row["place"] or "–"
    top = "†" if row["top_group"] == "True" else ""
    return f"| {place}{top} | {named} | {rank} | {share} | {beside} | {row['scored']}/{row['planned']} |"


def _machines(about: dict[str, Any]) -> str:
    return "; ".join(sorted({f"{e['processor']}, Python {e['python']}" for e in about["environments"]}))
