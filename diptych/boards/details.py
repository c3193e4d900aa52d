"""The tables behind the leaderboard: every probe and metric, health, robustness, failures, provenance."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

import pandas as pd

from diptych.boards import links
from diptych.boards.damage import Curve, Permuted
from diptych.boards.frame import Board, Task, chance, groups, lines
from diptych.boards.tables import (
    Entry,
    Table,
    best_of,
    metric_entry,
    name_entry,
    number,
    score_entry,
    spread,
    task_entry,
)
from diptych.stats import Summary

NOTHING = Summary(float("nan"), float("nan"), 0)
SEEN = "seen"  # badge of a curve whose corruption resembles the views that its method was trained on
SHORT = 12  # digits of a digest that are shown


def probe_tables(board: Board, task: Task) -> Iterator[tuple[str, Table]]:
    """For each probe (and embedding beside the ranked one): every row × every metric on clean data."""
    own = board.seeds[(board.seeds["task"] == task) & (board.seeds["probe"] != "health")]
    ranked, clean = own["ranked_embedding"], own["corruption"] == "clean"
    order = [*board.plan.spec.probes, *sorted(set(own["probe"]) - set(board.plan.spec.probes))]
    for probe in (probe for probe in order if probe in set(own["probe"])):
        part = own["probe"] == probe
        yield from _named(probe, board, own[part & ranked & clean])
        for embedding, other in groups(own[part & ~ranked & clean], "embedding"):
            yield from _named(f"{probe} on the {embedding} embedding", board, other)
        yield from _named(f"{probe} trained on permuted labels", board, own[part & ranked & ~clean], "permuted")


def _named(title: str, board: Board, scores: pd.DataFrame, corruption: str = "clean") -> Iterator[tuple[str, Table]]:
    chosen = scores[scores["corruption"] == corruption]
    if len(chosen):
        yield title, _by_metric(board, chosen["task"].iloc[0], chosen)


def _by_metric(board: Board, task: Task, scores: pd.DataFrame) -> Table:
    found = dict(zip(zip(scores["row"], scores["metric"], strict=True), scores["summary"], strict=True))
    rows, metrics = dict.fromkeys(scores["row"]), sorted(set(scores["metric"]))
    best = {m: best_of(board, {r: found.get((r, m), NOTHING) for r in rows}, m) for m in metrics}
    body = []
    for row in rows:
        summaries = [(metric, found.get((row, metric), NOTHING)) for metric in metrics]
        cells = links.cells(task, row)
        shown = [score_entry(s, s.mean == best[metric], cells if s.n else "") for metric, s in summaries]
        body.append((name_entry(board, row), *shown))
    return Table((Entry("method"), *map(metric_entry, metrics)), tuple(body))


def health(board: Board, task: Task) -> Table | None:
    """Geometry of every embedding on test rows: collapse shows here before it shows in accuracy."""
    own = board.seeds[(board.seeds["task"] == task) & (board.seeds["probe"] == "health")]
    if not len(own):
        return None
    metrics = sorted(set(own["metric"]))
    body = []
    for (row, embedding), part in groups(own, "row", "embedding"):
        values = dict(zip(part["metric"], part["summary"], strict=True))
        shown = [score_entry(values.get(m, NOTHING), link=links.cells(task, row)) for m in metrics]
        body.append((name_entry(board, row), Entry(embedding, kind="muted"), *shown))
    return Table((Entry("method"), Entry("embedding"), *map(metric_entry, metrics)), tuple(body))


def areas(board: Board, task: Task, curves: list[Curve]) -> Table | None:
    """Area under each degradation curve, and below it the share of the clean advantage over chance that is kept."""
    own = {(curve.row, curve.corruption): curve for curve in curves if curve.task == task}
    if not own:
        return None
    corruptions = list(dict.fromkeys(corruption for _, corruption in own))
    rows = list(dict.fromkeys(row for row, _ in own))
    level = chance(board.metric(task), board.test_counts(task))
    area = {c: {r: own[r, c].area for r in rows if (r, c) in own} for c in corruptions}
    best = {c: best_of(board, area[c], board.metric(task)) for c in corruptions}
    body = []
    for row in rows:
        shown = [_area(own.get((row, c)), best[c], level[0] if level else None) for c in corruptions]
        clean = score_entry(board.summaries[task, row], link=links.cells(task, row))
        body.append((name_entry(board, row), clean, *shown))
    reach = {c: max(curve.values.index.max() for (_, k), curve in own.items() if k == c) for c in corruptions}
    headings = [Entry(c, below=f"0 to {reach[c]:g}", kind="number") for c in corruptions]
    return Table((Entry("method"), Entry("clean", kind="number"), *headings), tuple(body))


def _area(curve: Curve | None, best: float, level: float | None) -> Entry:
    if curve is None:
        return Entry("–", kind="number")
    kept = curve.retained(level) if level is not None else NOTHING
    below = f"keeps {number(kept.mean, 2)}" if kept.n else ""
    points = "; ".join(f"{severity:g}: {spread(summary)}" for severity, summary in curve.points.items())
    kind = "number best" if curve.area.mean == best else "number"
    title, link = f"score at severity {points}", links.cells(curve.task, curve.row)
    badge = SEEN if curve.seen else ""
    return Entry(spread(curve.area), below, title, kind, badge, value=curve.area.mean, link=link)


def failures(board: Board) -> Table:
    """Every planned cell that did not end well, with the reason and the traceback's path."""
    bad = board.cells[board.cells["status"] != "ok"]
    rows = tuple(
        (
            Entry(str(r.cell), below=str(r.condition), link=links.cells(r.task, r.row)),
            name_entry(board, r.row),
            Entry(str(r.status), kind="bad"),
            Entry(str(r.stage)),
            Entry(str(r.reason), below=str(r.traceback)),
            Entry(str(r.run_id)[:SHORT], title=str(r.run_id), kind="muted"),
        )
        for r in lines(bad)
    )
    headings = ("cell", "row", "status", "stage", "reason and traceback", "MLflow run")
    return Table(tuple(Entry(h) for h in headings), rows)


def unscored(board: Board) -> Table:
    """Scores that could not be computed although the cell ended well, with their reasons."""
    missing = board.results[
        board.results["value"].isna() & (board.results["status"] == "ok") & (board.results["metric"] != "")
    ]
    rows = tuple(
        (task_entry(task), Entry(probe), Entry(metric), Entry(str(len(part)), kind="number"), Entry(reason))
        for (task, probe, metric, reason), part in groups(missing, "task", "probe", "metric", "reason")
    )
    headings = (Entry("data set"), Entry("probe"), Entry("metric"), Entry("scores", kind="number"), Entry("reason"))
    return Table(headings, rows)


def leaks(board: Board, found: list[Permuted]) -> Table:
    """Permuted-label scores above chance by more than three standard deviations, and in how many seeds they are."""
    headings = [Entry(text) for text in ("data set", "method", "probe", "metric")]
    numbers = [Entry(text, kind="number") for text in ("score", "chance", "seeds above")]
    return Table((*headings, *numbers), tuple(_leak(board, p) for p in found if p.strays))


def _leak(board: Board, p: Permuted) -> tuple[Entry, ...]:
    link = links.cells(p.task, p.row)
    return (
        task_entry(p.task),
        name_entry(board, p.row),
        Entry(p.probe),
        Entry(p.metric),
        Entry(spread(p.found), kind="number bad" if p.leaks else "number", link=link),
        Entry(f"{number(p.chance)} + 3 × {number(p.sd)}", kind="number", link=link),
        Entry(f"{p.above} of {len(p.values)}", kind="number", link=link),
    )


def provenance(board: Board) -> Table:
    """Every row with its cells by status, and the way to them."""
    rows = []
    for row, own in groups(board.cells, "row"):
        status = ", ".join(f"{n} {name}" for name, n in Counter(own["status"]).items())
        commits = ", ".join(sorted({commit[:SHORT] for commit in own["commit"]}))
        cells = Entry(str(len(own)), kind="number", link=links.every_cell(row))
        kind = "" if set(own["status"]) == {"ok"} else "bad"
        rows.append((name_entry(board, row), cells, Entry(status, kind=kind), Entry(commits, kind="muted")))
    headings = (Entry("row"), Entry("cells", kind="number"), Entry("status"), Entry("commit"))
    return Table(headings, tuple(rows))


def flags(board: Board) -> Table:
    """Fits of probes that ended with a warning."""
    rows = []
    for (task, row), part in groups(board.cells, "task", "row"):
        total = sum((Counter(json.loads(text)) for text in part["flags"]), Counter[str]())
        said = ", ".join(f"{flag} × {n}" for flag, n in sorted(total.items()))
        rows += [(task_entry(task), name_entry(board, row), Entry(said))] if said else []
    return Table(
        (Entry("data set"), Entry("method"), Entry("warnings of fits, over seeds and corruptions")), tuple(rows)
    )
