"""Cells run again as a whole: verdicts by method, too many shifted by chance or not, and whether ranks hold."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Any

from diptych.audits.findings import Finding
from diptych.audits.repeat import Again, Repeat
from diptych.audits.verdicts import LEVEL, Verdict, rbo, tau, too_many
from diptych.boards.frame import Board
from diptych.boards.ranking import leaderboard
from diptych.plan import row_of
from diptych.records import PLACE, read_table


def summary(again: Again) -> dict[str, Any]:
    """Everything that audit.json says of the cells that were run again."""
    by = Counter((repeat.cell.method, repeat.verdict) for repeat in again.done)
    return {
        "asked": len(again.cells),
        "cells": {repeat.cell.path: _told(repeat) for repeat in again.done},
        "verdicts": dict(Counter(repeat.verdict for repeat in again.done)),
        "methods": {m: {v: n for (o, v), n in by.items() if o == m} for m in dict.fromkeys(m for m, _ in by)},
        "ranking_scores": _ranking_scores(again),
        "lost": _lost(again),
        **_agreement(again),
        "environment": sorted({difference for repeat in again.done for difference in repeat.elsewhere}),
    }


def _told(repeat: Any) -> dict[str, Any]:
    found = [asdict(score) | {n: _known(getattr(score, n)) for n in ("old", "new")} for score in repeat.scores]
    return {"verdict": repeat.verdict, "reason": repeat.reason, "scores": found}


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def lines(told: dict[str, Any]) -> list[str]:
    """The summary in words."""
    if not told["cells"]:
        return []
    ranked = told["ranking_scores"]
    said = [f"Run again: {len(told['cells'])} of {told['asked']} cells: {counts(told['verdicts'])}."]
    said.append(f"By method: {'; '.join(f'{method} {counts(own)}' for method, own in told['methods'].items())}.")
    said.append(
        f"Shifted ranking scores: {ranked['shifted']} of {ranked['judged']}; so many or more by chance alone "
        f"(one in twenty is): p = {ranked['p']:.3g}."
    )
    said += [f"Shifted in every seed: the ranking score of {name}." for name in told["lost"]]
    said.append(_held(told))
    return said + [f"Here and in the records: {difference}." for difference in told["environment"]]


def _held(told: dict[str, Any]) -> str:
    if told["tau"] is None or told["rbo"] is None:
        return f"No agreement of ranks: {told['no_ranks'] or 'no two rows of different rank'}."
    return (
        f"Ranks of the board before and after the scores of {len(told['cells'])} cells were replaced: Kendall's tau "
        f"{told['tau']:.3f}, rank-biased overlap {told['rbo']:.3f}."
    )


def together(again: Again) -> Iterator[Finding]:
    """An error where more ranking scores shifted than chance explains, wherever the cells were run again."""
    told = _ranking_scores(again)
    if told["p"] < LEVEL:
        found = f"{told['shifted']} of {told['judged']}: p = {told['p']:.2g}"
        yield Finding("rerun", "all", "", "as many shifted ranking scores as chance gives, one in twenty", found)


def counts(by: dict[str, int]) -> str:
    """Verdicts with their numbers, in words."""
    return ", ".join(f"{n} {verdict}" for verdict, n in by.items())


def _ranking_scores(again: Again) -> dict[str, Any]:
    """How many were judged and how many of them shifted, and how likely so many are by chance."""
    found = [verdict for repeat in again.done if (verdict := ranked(again, repeat))]
    shifted = found.count("shifted")
    return {"judged": len(found), "shifted": shifted, "p": too_many(shifted, len(found))}


def ranked(again: Again, repeat: Repeat) -> Verdict | None:
    """The verdict of the one score by which a cell is ranked; None where it has none."""
    spec = again.kept.plan.spec.rank_by
    place = (spec.probe, "clean", 0.0, spec.on(again.kept.plan.card(repeat.cell.dataset)))
    return next((score.verdict for score in repeat.scores if score.place[1:] == place), None)


def _lost(again: Again) -> list[str]:
    """Rows whose ranking score shifted in every seed, of two or more: the spread of one is not known."""
    shifted = {repeat.cell.path for repeat in (*again.done, *again.others) if ranked(again, repeat) == "shifted"}
    held = {row_of(cell.path) for cell in again.kept.plan.cells if cell.path not in shifted}
    return sorted(row for row, seeds in Counter(map(row_of, shifted)).items() if seeds > 1 and row not in held)


def _agreement(again: Again) -> dict[str, Any]:
    """Rank agreement of the board with itself after the new scores took the place of the old ones.

    `no_ranks` says why a board could not be read or made; the checks of the board say more.
    """
    try:
        return _agreed(again) | {"no_ranks": ""}
    except Exception as error:
        return {"tau": None, "rbo": None, "no_ranks": f"{type(error).__name__}: {error}"}


def _agreed(again: Again) -> dict[str, float | None]:
    table = read_table(again.kept.folder / "results.parquet")
    old = Board(again.kept.plan, again.kept.folder)
    new = {(r.cell.path, *score.place): score.new for r in again.done for score in r.scores}
    keys = table[["cell", *PLACE]].itertuples(index=False, name=None)
    table["value"] = [new.get(key, value) for key, value in zip(keys, table["value"], strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        table.to_parquet(Path(folder) / "results.parquet")
        old.cells.drop(columns=["row", "task"]).to_parquet(Path(folder) / "cells.parquet")
        sides = _ranks(old), _ranks(Board(again.kept.plan, Path(folder)))
    return {"tau": _known(tau(*sides)), "rbo": _known(rbo(*sides))}


def _ranks(board: Board) -> dict[Hashable, float]:
    return {standing.row: standing.mean_rank for standing in leaderboard(board)}
