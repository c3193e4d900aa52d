"""The answer of a board in a few sentences: what was compared, who is ahead, what is tied, what failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from diptych.boards.comparison import Compared, of
from diptych.boards.comparison_tables import TIED
from diptych.boards.frame import METHODS, RANKED, Board, Row, Task, higher_is_better
from diptych.boards.ranking import Standing, leaderboard, task_ranks
from diptych.boards.tables import best_row, counted, number
from diptych.stats import compared

CONTROLS = {"raw": "raw features", "random": "the random (untrained) encoder"}


def sentences(board: Board, scopes: list[Compared]) -> list[str]:
    """What a reader in a hurry should take away, each as one sentence."""
    one = len(board.modalities) == 1
    leads = _lead(board, board.modalities[0], of(scopes, "")) if one else _leads(board, scopes)
    return [_what(board), *leads, *_controls(board), _ended(board)]


def _what(board: Board) -> str:
    rows = {row for _, row in board.summaries}
    methods = {row.method for row in rows if board.role(row) in METHODS}
    beside = {row.method for row in rows if board.role(row) not in METHODS}
    controls = f", beside {counted(len(beside), 'reference')} that are not ranked" if beside else ""
    seeds = counted(len(board.plan.spec.seeds), "seed")
    return f"{counted(len(methods), 'method')} on {counted(len(board.plan.cards), 'data set')}, {seeds} each{controls}."


def _lead(board: Board, modality: str, c: Compared | None) -> Iterator[str]:
    """Who has the best mean rank, on how many data sets nobody does better, and who comes next."""
    placed = _placed(board, modality)
    if not placed:
        return
    tasks, first = board.rank_tasks(modality), _first(placed)
    verb = "has the best mean rank" if len(first) == 1 else "share the best mean rank"
    text = f"{_names(first)} {verb}, {number(placed[0].mean_rank, 2)} over {counted(len(tasks), 'data set')}"
    if len(first) == 1 and len(tasks) > 1:
        text += f", and is best or tied for best on {_best_on(board, tasks, first[0].row)} of them"
    yield text + (f"; next {_next(placed[len(first)])}." if len(placed) > len(first) else ".")
    if c and c.tied:
        tied = f"{c.tied} of {len(c.block)} rows are tied at the top ({TIED}): this board does not tell them apart."
        yield tied if c.tied > 1 else "No other row is tied with the first."
    if ahead := _ahead(board, modality):
        yield f"Of the references, {_listed(ahead)} would stand above every method."


def _leads(board: Board, scopes: list[Compared]) -> Iterator[str]:
    """The same of several modalities, in two sentences; who comes next stands in the tables."""
    found = {m: placed for m in board.modalities if (placed := _placed(board, m))}
    if found:
        firsts = [
            f"{_names(_first(placed))} for {m} ({number(placed[0].mean_rank, 2)} over "
            f"{counted(len(board.rank_tasks(m)), 'data set')}{_tied(of(scopes, m))})"
            for m, placed in found.items()
        ]
        yield f"The best mean rank has {'; '.join(firsts)}."
    if ahead := {m: names for m in found if (names := _ahead(board, m))}:
        yield f"Above every method would stand {'; '.join(f'{_listed(names)} for {m}' for m, names in ahead.items())}."


def _tied(c: Compared | None) -> str:
    return f", {c.tied} of {len(c.block)} rows tied" if c and c.tied > 1 else ""


def _placed(board: Board, modality: str) -> list[Standing]:
    return [standing for standing in leaderboard(board, modality) if standing.place]


def _first(placed: list[Standing]) -> list[Standing]:
    return [standing for standing in placed if standing.mean_rank - placed[0].mean_rank < 1e-9]


def _names(standings: list[Standing]) -> str:
    return _listed([str(standing.row) for standing in standings])


def _next(standing: Standing) -> str:
    return f"is {standing.row} with {number(standing.mean_rank, 2)}"


def _ahead(board: Board, modality: str) -> list[str]:
    """The rows that are no methods and stand above the first one that is."""
    standings = [s for s in leaderboard(board, modality) if s.scored and (s.place or s.role not in METHODS)]
    return [str(s.row) for s in standings[: [bool(s.place) for s in standings].index(True)]]


def _best_on(board: Board, tasks: list[Task], row: Row) -> int:
    """Data sets on which no ranked row has a better rank; close scores share one."""
    found = 0
    for task in tasks:
        ranks = {r: rank for r, rank in task_ranks(board, task).items() if board.role(r) == RANKED}
        found += row in ranks and board.summaries[task, row].n > 0 and ranks[row] <= min(ranks.values()) + 1e-9
    return found


def _controls(board: Board) -> Iterator[str]:
    """On how many data sets the best method is above a control."""
    said = []
    for method, name in CONTROLS.items():
        found = [beside for task in board.rank_tasks() if (beside := _beside(board, task, method)) is not None]
        if found:
            said.append(f"{name} on {found.count(-1)} of {counted(len(found), 'data set')}")
    if said:
        yield f"The best method of a data set is more than half the seed sd above {_listed(said)}."


def _beside(board: Board, task: Task, method: str) -> int | None:
    """How a control stands beside the best method of a task; None where one of them has no score."""
    champion = best_row(board, task)
    control = board.control(task, method, champion)
    if champion is None or not control.n:
        return None
    return compared(control, board.summaries[task, champion], higher_is_better(board.metric(task)))


def _ended(board: Board) -> str:
    status = Counter(board.cells["status"])
    bad = ", ".join(f"{n} {name}" for name, n in status.items() if name != "ok")
    total = len(board.cells)
    if not bad:
        return f"All {counted(total, 'planned cell')} ended well."
    return f"{total - status['ok']} of {counted(total, 'planned cell')} did not end well: {bad}. They count as lost."


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
