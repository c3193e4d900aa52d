"""Tables of a board as data: the page, the text file and the terminal draw the same entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diptych.boards.frame import METHODS, RANKED, Board, Row, Task, higher_is_better
from diptych.boards.ranking import Standing, leaderboard, task_ranks, task_shares
from diptych.catalog import components
from diptych.stats import Summary


@dataclass(frozen=True)
class Entry:
    """A field of a table: its text, smaller text below, an explanation, and how it is drawn."""

    text: str
    below: str = ""
    title: str = ""
    kind: str = ""  # name, number, best, muted, good, bad
    badge: str = ""  # what sets the row apart from the ranked ones


@dataclass(frozen=True)
class Table:
    """Headings and rows."""

    columns: tuple[Entry, ...]
    rows: tuple[tuple[Entry, ...], ...]
    note: str = ""


def number(value: float, digits: int = 3) -> str:
    """Three digits behind the point for scores, fewer for large values, a dash for nothing."""
    if not np.isfinite(value):
        return "–"
    size = abs(value)
    return f"{value:.{digits}f}" if size < 10 else f"{value:.1f}" if size < 1000 else f"{value:,.0f}"


def spread(summary: Summary) -> str:
    """Mean ± sd over seeds; the mean alone for one seed."""
    return f"{number(summary.mean)} ± {number(summary.sd)}" if summary.n > 1 else number(summary.mean)


def score_entry(summary: Summary, best: bool = False) -> Entry:
    """A score with its seeds."""
    title = f"{summary.n} seed{'s' if summary.n != 1 else ''}" if summary.n else "no cell has this score"
    return Entry(spread(summary), title=title, kind="number best" if best else "number")


def name_entry(board: Board, row: Row) -> Entry:
    """A method with the point of its grid below, and a badge where it is not ranked."""
    role = board.role(row)
    return Entry(row.method, below=row.config, kind="name", badge="" if role == RANKED else role)


def metric_entry(metric: str) -> Entry:
    """A metric's name with what it is and which way is better."""
    direction = "higher is better" if higher_is_better(metric) else "lower is better"
    return Entry(
        f"{metric} {'↑' if higher_is_better(metric) else '↓'}",
        title=f"{components('metrics')[metric].summary} ({direction})",
        kind="number",
    )


def best_of(board: Board, summaries: Mapping[Row, Summary], metric: str) -> float:
    """The best mean of methods and controls, for marking it; the upper bound would always win."""
    means = [s.mean for row, s in summaries.items() if s.n and board.role(row) != "supervised"]
    return (max if higher_is_better(metric) else min)(means, default=float("nan"))


def on_task(board: Board, task: Task) -> dict[Row, Summary]:
    """The score that ranks of every row planned on a task."""
    return {row: board.summaries[task, row] for row in board.planned(task)}


HEADINGS = (
    Entry("place", title="by mean rank among the self-supervised rows; = marks a tie", kind="number"),
    Entry("method"),
    Entry("mean rank", title="mean over data sets; in brackets: the rank a control would hold", kind="number"),
    Entry(
        "share", title="mean of (score − random encoder) / (supervised − random encoder), not clipped", kind="number"
    ),
    Entry("> random", title="data sets on which the row is clearly above the random encoder", kind="number"),
    Entry("> raw", title="data sets on which the row is clearly above raw features", kind="number"),
    Entry("cells", title="cells with a score / planned cells", kind="number"),
)


def standings(board: Board, modality: str = "") -> Table:
    """A leaderboard; within a modality every data set's score stands beside it."""
    tasks = board.rank_tasks(modality) if modality else []
    best = {t: best_of(board, on_task(board, t), board.metric(t)) for t in tasks}
    rows = []
    for standing in leaderboard(board, modality):
        scores = [board.summaries.get((task, standing.row)) for task in tasks]
        shown = [score_entry(s, s.mean == best[t]) if s else Entry("") for t, s in zip(tasks, scores, strict=True)]
        rows.append((*_standing(board, standing), *shown))
    headings = [Entry(str(t), below=board.metric(t), title=board.card(t).title, kind="number") for t in tasks]
    return Table((*HEADINGS, *headings), tuple(rows))


def _standing(board: Board, s: Standing) -> tuple[Entry, ...]:
    ranked = s.role == RANKED
    rank = number(s.mean_rank, 2) if s.scored else "–"
    return (
        Entry(s.place or "–", kind="number best" if s.place in ("1", "1=") else "number"),
        name_entry(board, s.row),
        Entry(rank if ranked else f"({rank})", title=f"over {_count(s.tasks, 'data set')}", kind="number"),
        Entry(number(s.mean_share, 2), title=f"defined on {s.shares} of {_count(s.tasks, 'data set')}", kind="number"),
        _wins(s.above_random),
        _wins(s.above_raw),
        _cells(s.scored, s.planned),
    )


def _wins(wins: tuple[int, int]) -> Entry:
    return Entry(f"{wins[0]}/{wins[1]}" if wins[1] else "–", kind="number")


def _cells(scored: int, planned: int) -> Entry:
    return Entry(f"{scored}/{planned}", kind="number muted" if scored == planned else "number bad")


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def overview(board: Board) -> Table:
    """One line per task: the best self-supervised row and every control."""
    controls = list(dict.fromkeys(row.method for _, row in board.summaries if board.role(row) not in METHODS))
    headings = [Entry(control, kind="number") for control in controls]
    rows = []
    for task in board.tasks:
        champion = best_row(board, task)
        found = [score_entry(board.control(task, control, champion)) for control in controls]
        best = score_entry(board.summaries[task, champion]) if champion else Entry("–", kind="number")
        name = name_entry(board, champion) if champion else Entry("–")
        card = board.card(task)
        about = Entry(str(task), below=f"{card.modality}, {board.metric(task)}", title=card.title)
        rows.append((about, name, best, *found))
    first = (Entry("data set"), Entry("best method"), Entry("score", kind="number"))
    return Table((*first, *headings), tuple(rows))


def best_row(board: Board, task: Task) -> Row | None:
    """The self-supervised row with the best mean on a task."""
    sign = 1.0 if higher_is_better(board.metric(task)) else -1.0
    scored = [r for r in board.planned(task) if board.role(r) == RANKED and board.summaries[task, r].n]
    return max(scored, key=lambda row: sign * board.summaries[task, row].mean, default=None)


def task_table(board: Board, task: Task) -> Table:
    """Every row of a task by the score that ranks, with rank, share, cost and cells."""
    metric, scores = board.metric(task), on_task(board, task)
    rank, shares = task_ranks(board, task), task_shares(board, task)
    best, sign = best_of(board, scores, metric), -1.0 if higher_is_better(metric) else 1.0
    cells = board.cells[board.cells["task"] == task]
    rows = []
    for row, summary in sorted(scores.items(), key=lambda item: (not item[1].n, sign * item[1].mean, item[0])):
        own = cells[cells["row"] == board.behind(task, row)]
        seconds = own["seconds"].mean()
        standing = number(rank[row], 1) if summary.n else "–"
        rows.append((
            name_entry(board, row),
            score_entry(summary, summary.mean == best),
            Entry(standing if board.role(row) == RANKED else f"({standing})", kind="number"),
            Entry(number(shares[row], 2), kind="number"),
            Entry(number(float(seconds), 1), kind="number muted"),
            _cells(*board.counts(row, [task])),
        ))  # fmt: skip
    score = Entry(f"{metric} ({board.probe})", title=metric_entry(metric).title, kind="number")
    rest = (
        Entry("rank", title="among self-supervised rows; in brackets: the rank a control would hold", kind="number"),
        Entry("share", title="(score − random encoder) / (supervised − random encoder)", kind="number"),
        Entry("s", title="seconds of pretraining, mean over seeds", kind="number"),
        Entry("cells", title="cells with a score / planned cells", kind="number"),
    )
    return Table((Entry("method"), score, *rest), tuple(rows))


def markdown(table: Table) -> str:
    """A table as Markdown."""
    lines = [[_escaped(c) for c in table.columns], [":--" if "number" not in c.kind else "--:" for c in table.columns]]
    lines += [[_escaped(entry) for entry in row] for row in table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plain(entry: Entry) -> str:
    """An entry as one line of text."""
    return entry.text + (f" ({entry.below})" if entry.below else "") + (f" [{entry.badge}]" if entry.badge else "")


def _escaped(entry: Entry) -> str:
    return plain_line(plain(entry)).replace("|", "\\|")


def plain_line(text: str) -> str:
    """Text as one line of Markdown without elements."""
    return text.replace("<", "&lt;").replace("\n", " ")
