"""The leaderboard in a terminal, and where everything else is."""

import json
import sys
from pathlib import Path
from typing import Any

from diptych.records import ContractError
from diptych.store import look

LEFT = ("method", "")  # columns that hold text
VERDICTS = ("above", "tied", "below")


def show(folder: Path) -> None:
    """Print the leaderboard of a board's folder, what stands in plain sight, and how to look at the rest."""
    from rich.console import Console

    file = folder / "leaderboard.json"
    if not file.exists():
        raise FileNotFoundError(f"no leaderboard at {file}; run the benchmark first: make run")
    feed = json.loads(file.read_text(encoding="utf-8"))
    if "leaderboard" not in feed:
        raise ContractError(f"{file} is not a leaderboard")
    console = Console(width=None if sys.stdout.isatty() else 140, markup=False, highlight=False, emoji=False)
    console.print(_leaderboard(feed))
    console.print(_overview(feed))
    for note in feed["notes"]:
        console.print(f"• {note}")
    for number, effect in enumerate(feed.get("effects", []), 1):  # absent from boards of earlier versions
        console.print(f"{number}. {effect['line']}")
    if verdicts := _verdicts(feed["claims"]):
        console.print(f"\nPublished numbers (marked as read): {verdicts}")
    for line in _places(feed, folder):
        console.print(line, soft_wrap=True)


def _leaderboard(feed: dict[str, Any]) -> Any:
    from rich.table import Table

    counts = ", ".join(f"{n} {status}" for status, n in feed["status"].items())
    table = Table(title=f"{feed['benchmark']}: {counts}; {feed['rank_by']['probe']} probe", title_justify="left")
    for name in ("place", "method", "", "rank", "share", "vs random", "vs raw", "cells"):
        table.add_column(name, justify="left" if name in LEFT else "right", overflow="fold")
    for row in (row for row in feed["leaderboard"] if row["scope"] == "all"):
        ours = row["role"] == "self-supervised"
        rank = f"{row['mean_rank']:.2f}" if row["scored"] else "–"
        share = "–" if row["mean_share"] is None else f"{row['mean_share']:.2f}"
        name = f"{row['method']} ({row['config']})" if row["config"] else row["method"]
        wins = [" / ".join(str(row[f"{verdict}_{c}"]) for verdict in VERDICTS) for c in ("random", "raw")]
        cells = f"{row['scored']}/{row['planned']}"
        style = "bold" if ours else "dim"
        shown = (row["place"], name, "" if ours else row["role"], rank if ours else f"({rank})", share, *wins, cells)
        table.add_row(*shown, style=style)
    return table


def _overview(feed: dict[str, Any]) -> Any:
    from rich.table import Table

    head, *lines = feed["overview"]
    table = Table(title="best method and controls on each data set", title_justify="left")
    for number, name in enumerate(head):
        table.add_column(name, justify="left" if number < 2 else "right", overflow="fold")
    for line in lines:
        table.add_row(*line)
    return table


def _verdicts(claims: list[dict[str, Any]]) -> str:
    """Numbers of each verdict, over the claims that count."""
    verdicts = [claim["verdict"] for claim in claims if claim["counts"]]
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))


def _places(feed: dict[str, Any], folder: Path) -> list[str]:
    return [
        "",
        f"report    {(folder / 'report.html').as_posix()}   (open it in a browser; it needs no network)",
        f"results   {(folder / 'results.parquet').as_posix()}, results.csv, leaderboard.csv, .json, .md",
        f"MLflow    {feed['mlflow']}, experiment {feed['benchmark']}",
        f"          {look(feed['mlflow'])}",
        f"audit     diptych audit {feed['file']}",
    ]
