"""Tables of a board as data: the page, the text file and the terminal draw the same entries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diptych.boards import links
from diptych.boards.frame import GRID_POINT, METHODS, RANKED, SUPERVISED, Board, Row, Task, higher_is_better
from diptych.boards.ranking import Against, Standing, leaderboard, task_ranks, task_shares
from diptych.catalog import components
from diptych.stats import Summary

NAN = float("nan")


@dataclass(frozen=True)
class Entry:
    """A field of a table: its text, smaller text below, an explanation, how it is drawn, and where it leads."""

    text: str
    below: str = ""
    title: str = ""
    kind: str = ""  # name, number, best, muted, good, bad
    badge: str = ""  # what sets the row apart from the ranked ones
    value: float | None = None  # what a number is sorted by; None: the number that the text starts with
    link: str = ""  # a page below the board's folder

    @property
    def sort(self) -> str:
        """The value as text; empty where there is none, which stands last in every order."""
        if self.value is not None:
            return repr(float(self.value)) if np.isfinite(self.value) else ""
        found = re.match(r"\(?([+-]?\d[\d,]*\.?\d*(?:e[+-]?\d+)?)", self.text.replace("−", "-"))
        return found[1].replace(",", "") if found else ""


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


def counted(n: int, what: str) -> str:
    """A number of things: one data set, two data sets."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def spread(summary: Summary) -> str:
    """Mean ± sd over seeds; the mean alone for one seed."""
    return f"{number(summary.mean)} ± {number(summary.sd)}" if summary.n > 1 else number(summary.mean)


def score_entry(summary: Summary, best: bool = False, link: str = "") -> Entry:
    """A score with its seeds; the link leads to its cells."""
    title = counted(summary.n, "seed") if summary.n else "no cell has this score"
    kind = "number best" if best else "number"
    return Entry(spread(summary), title=title, kind=kind, value=summary.mean, link=link)


def number_entry(value: float, digits: int = 3, kind: str = "number", title: str = "", link: str = "") -> Entry:
    """A number that is sorted by its full value."""
    return Entry(number(value, digits), kind=kind, title=title, value=value, link=link)


def count_entry(n: int) -> Entry:
    """A whole number."""
    return Entry(f"{n:,}", kind="number", value=n)


def name_entry(board: Board, row: Row) -> Entry:
    """A method with the point of its grid below, and a badge where it is not ranked."""
    role = board.role(row)
    badge = "" if role == RANKED else role
    return Entry(row.method, below=row.config, kind="name", badge=badge, link=links.method_page(row.method))


def task_entry(task: Task, below: str = "", title: str = "") -> Entry:
    """A data set under a condition, with the way to its page."""
    return Entry(str(task), below=below, title=title, link=links.dataset_page(task.dataset))


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
    means = [s.mean for row, s in summaries.items() if s.n and board.role(row) != SUPERVISED]
    return (max if higher_is_better(metric) else min)(means, default=float("nan"))


def on_task(board: Board, task: Task) -> dict[Row, Summary]:
    """The score that ranks of every row planned on a task."""
    return {row: board.summaries[task, row] for row in board.planned(task)}


HEADINGS = (
    Entry(
        "place", title="by mean rank among the self-supervised rows; = equal, † not told from the best", kind="number"
    ),
    Entry("method", kind="name", title="a row of the board: a method, below it what tells its row from others of it"),
    Entry(
        "mean rank",
        title="mean over data sets, 95 % interval; in brackets: the rank a control would hold",
        kind="number",
    ),
    Entry(
        "share", title="mean of (score − random encoder) / (supervised − random encoder), not clipped", kind="number"
    ),
    Entry(
        "random",
        title="data sets above / tied with (within half the seed sd) / below the random encoder",
        kind="number",
    ),
    Entry("raw", title="data sets above / tied with (within half the seed sd) / below raw features", kind="number"),
    Entry("cells", title="cells with a score / planned cells", kind="number"),
)


def standings(board: Board, modality: str = "", points: bool = False) -> Table:
    """A leaderboard, or the grid points beside it; within a modality every data set's score stands in it."""
    tasks = board.rank_tasks(modality) if modality else []
    best = {t: best_of(board, on_task(board, t), board.metric(t)) for t in tasks}
    rows = []
    for standing in (s for s in leaderboard(board, modality) if (s.role == GRID_POINT) == points):
        scores = [board.summaries.get((task, standing.row)) for task in tasks]
        shown = [
            score_entry(s, s.mean == best[t], links.cells(t, standing.row)) if s else Entry("", kind="number")
            for t, s in zip(tasks, scores, strict=True)
        ]
        rows.append((*_standing(board, standing), *shown))
    headings = [Entry(str(t), below=board.metric(t), title=board.card(t).title, kind="number") for t in tasks]
    return without_empty(Table((*HEADINGS, *headings), tuple(rows)), "share")


def without_empty(table: Table, heading: str) -> Table:
    """The table without a column of numbers that says nothing in any row."""
    place = [column.text for column in table.columns].index(heading)
    if not table.rows or any(row[place].sort for row in table.rows):
        return table
    columns, *rows = ((*line[:place], *line[place + 1 :]) for line in (table.columns, *table.rows))
    return Table(columns, tuple(rows), table.note)


def _standing(board: Board, s: Standing) -> tuple[Entry, ...]:
    ranked = s.role == RANKED
    rank, cells = number(s.mean_rank, 2) if s.scored else "–", links.every_cell(s.row)
    return (
        Entry(s.place or "–", kind="number best" if s.place in ("1", "1=") else "number"),
        name_entry(board, s.row),
        Entry(
            rank if ranked else f"({rank})",
            title=f"over {counted(s.tasks, 'data set')}",
            kind="number",
            value=s.mean_rank if s.scored else NAN,
            link=cells,
        ),
        number_entry(s.mean_share, 2, title=f"defined on {s.shares} of {counted(s.tasks, 'data set')}", link=cells),
        _against(s.random, cells),
        _against(s.raw, cells),
        _cells(s.scored, s.planned, cells),
    )


def _against(found: Against, link: str) -> Entry:
    return Entry(str(found), kind="number", value=found.above, link=link)


def _cells(scored: int, planned: int, link: str) -> Entry:
    return Entry(f"{scored}/{planned}", kind="number muted" if scored == planned else "number bad", link=link)


def overview(board: Board) -> Table:
    """One line per task: the best self-supervised row and every control."""
    controls = list(dict.fromkeys(row.method for _, row in board.summaries if board.role(row) not in METHODS))
    headings = [Entry(control, kind="number") for control in controls]
    rows = []
    for task in board.tasks:
        champion = best_row(board, task)
        found = [_control(board, task, control, champion) for control in controls]
        best = _champion(board, task, champion)
        name = name_entry(board, champion) if champion else Entry("–")
        card = board.card(task)
        about = task_entry(task, f"{card.modality}, {board.metric(task)}", card.title)
        rows.append((about, name, best, *found))
    first = (Entry("data set"), Entry("best method"), Entry("score", kind="number"))
    return Table((*first, *headings), tuple(rows))


def _control(board: Board, task: Task, control: str, beside: Row | None) -> Entry:
    found = board.control(task, control, beside)
    return score_entry(found, link=links.cells(task, Row(control, "")) if found.n else "")


def _champion(board: Board, task: Task, row: Row | None) -> Entry:
    if row is None:
        return Entry("–", kind="number")
    return score_entry(board.summaries[task, row], link=links.cells(task, row))


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
            score_entry(summary, summary.mean == best, links.cells(task, row)),
            Entry(standing if board.role(row) == RANKED else f"({standing})", kind="number", value=rank[row]),
            number_entry(shares[row], 2),
            number_entry(float(seconds), 1, "number muted"),
            _cells(*board.counts(row, [task]), links.cells(task, row)),
        ))  # fmt: skip
    score = Entry(f"{metric} ({board.probe})", title=metric_entry(metric).title, kind="number")
    rest = (
        Entry("rank", title="among self-supervised rows; in brackets: the rank a control would hold", kind="number"),
        Entry("share", title="(score − random encoder) / (supervised − random encoder)", kind="number"),
        Entry("seconds", title="of pretraining, mean over seeds", kind="number"),
        Entry("cells", title="cells with a score / planned cells", kind="number"),
    )
    return without_empty(Table((Entry("method", kind="name"), score, *rest), tuple(rows)), "share")


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
