"""Leaderboards: rank with ties inside each task, then means over tasks; nothing is imputed upwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from diptych.boards.frame import CEILING, FLOOR, RANKED, Board, Row, Task, higher_is_better
from diptych.stats import compared, ranks, share

NAN = float("nan")


@dataclass(frozen=True)
class Standing:
    """One row of a leaderboard."""

    place: str  # "1", "2=" for a tie; empty for controls and for rows that never scored
    row: Row
    role: str
    mean_rank: float  # of controls: the rank each would hold if it joined alone
    mean_share: float  # of the way from random encoder to supervised, over the tasks where that is defined
    shares: int  # tasks behind mean_share
    tasks: int  # tasks the row was planned on
    random: Against
    raw: Against
    scored: int
    planned: int


def task_ranks(board: Board, task: Task) -> dict[Row, float]:
    """Rank among the self-supervised rows planned on a task; a control's is the one it would hold joining alone."""
    scores = _ranked_scores(board, task)
    ours = [row for row in scores if board.role(row) == RANKED]
    tolerance = board.tolerance(task)
    found = dict(zip(ours, ranks(np.array([scores[row] for row in ours]), tolerance).tolist(), strict=True))
    for row in scores.keys() - found.keys():
        joined = np.array([scores[other] for other in ours] + [scores[row]])
        found[row] = float(ranks(joined, tolerance)[-1])
    return found


def _ranked_scores(board: Board, task: Task) -> dict[Row, float]:
    """The higher the better; −∞ without a score, and where a row lacks a seed: what it lost may have been its worst."""
    sign = 1.0 if higher_is_better(board.metric(task)) else -1.0
    means = {row: board.summaries[task, row] for row in board.planned(task)}
    return {row: sign * s.mean if s.n and not board.lacks(task, row) else -np.inf for row, s in means.items()}


def task_shares(board: Board, task: Task) -> dict[Row, float]:
    """Share of the way from the random encoder to the supervised one; NaN where that way is too short."""
    return {row: _share(board, task, row) for row in board.planned(task)}


def scaled(board: Board, task: Task, rows: Iterable[Row]) -> set[Row]:
    """The rows for which a share of a task means something."""
    controls = {row: (board.control(task, FLOOR, row), board.control(task, CEILING, row)) for row in rows}
    upward = higher_is_better(board.metric(task))
    return {r for r, (floor, top) in controls.items() if np.isfinite(share(floor.mean, floor, top, upward))}


def _share(board: Board, task: Task, row: Row) -> float:
    """Between the two controls that have the row's own encoder."""
    floor, ceiling = board.control(task, FLOOR, row), board.control(task, CEILING, row)
    if not floor.n or not ceiling.n:
        return NAN
    return share(board.summaries[task, row].mean, floor, ceiling, higher_is_better(board.metric(task)))


@dataclass(frozen=True)
class Against:
    """A row beside a control: tasks on which it is above, tied, below; of those where both scored."""

    above: int
    tied: int
    below: int

    def __str__(self) -> str:
        return f"{self.above} / {self.tied} / {self.below}" if self.above + self.tied + self.below else "–"


def against(board: Board, tasks: list[Task], row: Row, control: str) -> Against:
    """How a row stands beside a control that has its encoder."""
    found = [beside(board, task, row, control) for task in tasks]
    return Against(found.count(1), found.count(0), found.count(-1))


def beside(board: Board, task: Task, row: Row, control: str) -> int | None:
    """1, 0 or −1 for above, tied with and below a control on a task; nothing without both scores."""
    own, other = board.summaries[task, row], board.control(task, control, row)
    return compared(own, other, higher_is_better(board.metric(task))) if own.n and other.n else None


def leaderboard(board: Board, modality: str = "") -> list[Standing]:
    """All rows of a modality (or of everything), the best mean rank first."""
    tasks = board.rank_tasks(modality)
    rank = {task: task_ranks(board, task) for task in tasks}
    shares = {task: task_shares(board, task) for task in tasks}
    rows = dict.fromkeys(row for task in tasks for row in board.planned(task))
    found = [_standing(board, row, rank, shares) for row in rows]
    joint = _joint_ranks(board, tasks)
    return _placed(sorted(found, key=lambda s: (not s.scored, s.mean_rank, joint[s.row], s.row)))


def _joint_ranks(board: Board, tasks: list[Task]) -> dict[Row, float]:
    """Mean rank among all rows, controls included: the order of rows whose mean rank is the same."""
    found: dict[Row, list[float]] = {}
    for task in tasks:
        scores = _ranked_scores(board, task)
        for row, rank in zip(scores, ranks(np.array([*scores.values()])).tolist(), strict=True):
            found.setdefault(row, []).append(rank)
    return {row: float(np.mean(joint)) for row, joint in found.items()}


def _standing(
    board: Board, row: Row, rank: dict[Task, dict[Row, float]], shares: dict[Task, dict[Row, float]]
) -> Standing:
    tasks = [task for task in rank if row in rank[task]]
    defined = [shares[task][row] for task in tasks if np.isfinite(shares[task][row])]
    scored, planned = board.counts(row, tasks)
    return Standing(
        place="",
        row=row,
        role=board.role(row),
        mean_rank=float(np.mean([rank[task][row] for task in tasks])),
        mean_share=float(np.mean(defined)) if defined else NAN,
        shares=len(defined),
        tasks=len(tasks),
        random=against(board, tasks, row, FLOOR),
        raw=against(board, tasks, row, "raw"),
        scored=scored,
        planned=planned,
    )


def _placed(found: list[Standing]) -> list[Standing]:
    """Places by mean rank; equal mean ranks share a place."""
    ours = [s.mean_rank for s in found if s.role == RANKED and s.scored]
    placed = []
    for standing in found:
        if standing.role == RANKED and standing.scored:
            better = sum(other < standing.mean_rank - 1e-9 for other in ours)
            equal = sum(abs(other - standing.mean_rank) <= 1e-9 for other in ours)
            standing = replace(standing, place=f"{better + 1}{'=' if equal > 1 else ''}")
        placed.append(standing)
    return placed
