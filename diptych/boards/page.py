"""The report of a board: one page that needs no network, the same as Markdown, machine-readable feeds, and the pages
of every method and data set.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from diptych import claims
from diptych.boards import (
    changelog,
    comparison,
    comparison_tables,
    cost,
    damage,
    dataset_page,
    details,
    diagrams,
    effect_figures,
    effects,
    figures,
    finetuned,
    imputation,
    links,
    method_page,
    published,
    rungs,
    selection,
    site,
    tables,
    text,
    thresholds,
    verdict,
)
from diptych.boards.frame import FLOOR, Board, Row, Task
from diptych.boards.ranking import Standing, beside, leaderboard
from diptych.claims import Elsewhere, Registry
from diptych.records import atomic, write_json
from diptych.store import look, resolve

TEXT = "leaderboard.md"


def write(board: Board, folder: Path, uri: str) -> None:
    """leaderboard.csv, .json and .md, report.html with its pages, and the changelog."""
    report = _Report(board, resolve(uri, board.plan.root))
    feed = report.feed()
    atomic(folder / "leaderboard.csv", lambda path: report.flat.to_csv(path, index=False))
    write_json(folder / "leaderboard.json", feed)
    changes = changelog.update(folder, feed["scores"], board.plan.digest)
    words = report.words()
    site.write(folder / TEXT, TEXT, words)
    more = report.drawn() | {"changes": changelog.sections(changes)}
    site.write(folder / "report.html", "report.html", words | more)
    _write_pages(report, folder)


def markdown(board: Board) -> str:
    """The content of leaderboard.md."""
    return site.rendered(TEXT, _Report(board, "").words())


def feeds(board: Board, uri: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The content of leaderboard.csv and leaderboard.json."""
    report = _Report(board, resolve(uri, board.plan.root))
    return report.flat, report.feed()


def _write_pages(report: _Report, folder: Path) -> None:
    """A page for each method and data set; those of earlier plans go."""
    kinds = {
        "method.html": method_page.pages(report.board),
        "dataset.html": dataset_page.pages(report.board, report.curves),
    }
    kept = {folder / address for pages in kinds.values() for address in pages}
    for old in {*folder.glob("methods/*.html"), *folder.glob("datasets/*.html")} - kept:
        old.unlink()
    for template, pages in kinds.items():
        for address, context in pages.items():
            site.write(folder / address, template, context, root="../")


@dataclass(frozen=True)
class _Report:
    """Everything that the page, the text and the feeds say about a board."""

    board: Board
    store: str

    @cached_property
    def registries(self) -> list[Registry]:
        """The published numbers that the benchmark file names."""
        plan = self.board.plan
        return [claims.load(plan.benchmark.parent / name) for name in plan.spec.registries]

    @cached_property
    def claims(self) -> list[dict[str, Any]]:
        """Published numbers on this benchmark's data sets against the measured ones."""
        known = tuple(c for registry in self.registries for c in registry.claims if c.dataset in self.board.plan.cards)
        return claims.compare(known, self.board.clean.assign(settings=self.board.clean["params"].map(json.loads)))

    @cached_property
    def agreement(self) -> list[dict[str, Any]]:
        """How far the published numbers are from the measured ones over data sets."""
        return claims.agreement(self.claims)

    @cached_property
    def elsewhere(self) -> list[Elsewhere]:
        """Published numbers of this benchmark's methods on data that is not here."""
        planned = {cell.method for cell in self.board.plan.cells}
        return [known for registry in self.registries for known in registry.elsewhere if known.method in planned]

    @cached_property
    def shuffled(self) -> list[damage.Permuted]:
        """Probes trained on permuted labels."""
        return damage.permuted(self.board)

    @cached_property
    def notes(self) -> list[str]:
        """What stands in plain sight."""
        return text.plain_sight(self.board, self.shuffled)

    @cached_property
    def curves(self) -> list[damage.Curve]:
        """Degradation at probe time and before pretraining."""
        return self.probed + damage.pretraining_curves(self.board)

    @cached_property
    def probed(self) -> list[damage.Curve]:
        """Degradation at probe time."""
        return damage.curves(self.board)

    @cached_property
    def imputed(self) -> list[imputation.Compared]:
        """Native handling of missing values against imputation."""
        return imputation.compare(self.board, self.probed)

    @cached_property
    def thresholds(self) -> list[thresholds.Threshold]:
        """Where rows fall to raw features as training labels get worse."""
        return thresholds.thresholds(self.board, self.curves)

    @cached_property
    def effects(self) -> list[effects.Judged]:
        """The effects that the benchmark file states, judged."""
        return effects.judge(self.board)

    @cached_property
    def finetuned(self) -> list[finetuned.Compared]:
        """Frozen against fine-tuned."""
        return finetuned.compare(self.board)

    @cached_property
    def scores(self) -> dict[str, Any]:
        """The score that ranks of every row of every task."""
        scores = _without_nan([_score(self.board, task, row) for task, row in self.board.summaries])
        return {"benchmark": self.board.plan.name, "scores": scores}

    @cached_property
    def ladder(self) -> tuple[list[rungs.Agreement], list[str]]:
        """Rank agreement with the other rungs that the benchmark file names, and those that are not there."""
        plan = self.board.plan
        own = rungs.Rung.of(self.scores, {name: card.modality for name, card in plan.cards.items()})
        return rungs.ladder(own, plan.spec.ladder, plan.root / "boards")

    @cached_property
    def overall(self) -> list[Standing]:
        """The leaderboard over all data sets."""
        return leaderboard(self.board)

    @cached_property
    def compared(self) -> list[comparison.Compared]:
        """Which rows can be told apart, in each scope."""
        return comparison.compare(self.board)

    @cached_property
    def flat(self) -> pd.DataFrame:
        """Every leaderboard as one table."""
        boards = {"all": self.overall} | {m: leaderboard(self.board, m) for m in self.board.modalities}
        found = pd.DataFrame([_flat(scope, standing) for scope, standings in boards.items() for standing in standings])
        return comparison.joined(found, self.compared)

    def feed(self) -> dict[str, Any]:
        """What the terminal prints and other programs read."""
        board, overview = self.board, tables.overview(self.board)
        return {
            **self.scores,
            "file": board.plan.benchmark.as_posix(),
            "description": board.plan.spec.description,
            "root": board.plan.root.as_posix(),
            "plan": board.plan.digest,
            "mlflow": self.store,
            "rank_by": {"probe": board.probe, "metric": {str(task): board.metric(task) for task in board.tasks}},
            "status": dict(Counter(board.cells["status"])),
            "leaderboard": _without_nan(self.flat.to_dict("records")),
            "overview": [[tables.plain(entry) for entry in line] for line in (overview.columns, *overview.rows)],
            "notes": self.notes,
            "comparison": _without_nan([line for c in self.compared for line in c.feed]),
            "selection": _without_nan(selection.feed(board)),
            "ladder": _without_nan([asdict(pair) for pair in self.ladder[0]]),
            "effects": _without_nan([effect.feed for effect in self.effects]),
            "thresholds": _without_nan([threshold.feed for threshold in self.thresholds]),
            "finetuned": _without_nan([compared.feed for compared in self.finetuned]),
            "claims": _without_nan(self.claims),
            "agreement": _without_nan(self.agreement),
            "imputation": _without_nan(imputation.feed(self.imputed)),
        }

    def words(self) -> dict[str, Any]:
        """What the page and the text say."""
        board = self.board
        return {
            "board": board,
            "status": Counter(board.cells["status"]),
            "notes": self.notes,
            "effects": self.effects,
            "overall": comparison_tables.leading(board, "", self.compared),
            "modalities": {m: comparison_tables.leading(board, m, self.compared) for m in board.modalities},
            "overview": tables.overview(board),
            "comparison": comparison_tables.sections(self.compared),
            "selection": selection.table(board),
            "ladder": rungs.table(*self.ladder),
            "thresholds": thresholds.table(board, self.thresholds),
            "finetuned": finetuned.table(board, self.finetuned),
            "claims": published.claims(self.claims),
            "agreement": published.agreement(self.agreement),
            "elsewhere": published.elsewhere(self.elsewhere),
            "imputation": imputation.table(board, self.imputed),
            "how_to_read": text.how_to_read(board),
            "markdown": tables.markdown,
            "plain_line": tables.plain_line,
        }

    def drawn(self) -> dict[str, Any]:
        """What the page alone shows: figures, alarms, provenance and where to go from here."""
        board, benchmark = self.board, self.board.plan.benchmark.as_posix()
        return {
            "short": verdict.sentences(board, self.compared),
            "points": {m: tables.standings(board, m, points=True) for m in board.modalities},
            "tasks": [_section(board, task) for task in board.tasks],
            "figures": _figures(self),
            "verdicts": Counter(claim["verdict"] for claim in self.claims if claim["counts"]),
            "leaks": details.leaks(board, self.shuffled),
            "shuffled": len(self.shuffled),
            "failures": details.failures(board),
            "unscored": details.unscored(board),
            "flags": details.flags(board),
            "provenance": details.provenance(board),
            "datasets": dataset_page.overview(board),
            "store": self.store,
            "commands": [f"make run BENCHMARK={benchmark}", f"diptych audit {benchmark}", look(self.store)],
        }


def _flat(scope: str, standing: Standing) -> dict[str, Any]:
    """A leaderboard row for csv and json."""
    flat = {"scope": scope, "method": standing.row.method, "config": standing.row.config} | asdict(standing)
    for control in ("random", "raw"):
        flat |= {f"{verdict}_{control}": tasks for verdict, tasks in flat.pop(control).items()}
    del flat["row"]
    return flat


def _score(board: Board, task: Task, row: Row) -> dict[str, Any]:
    summary = board.summaries[task, row]
    where = {"dataset": task.dataset, "condition": task.condition, "method": row.method, "config": row.config}
    told = {"role": board.role(row), "metric": board.metric(task), "against_random": beside(board, task, row, FLOOR)}
    return where | told | asdict(summary)


def _without_nan(rows: list[Any]) -> list[Any]:
    """JSON has no word for NaN; null says that there is no value."""
    return [{k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()} for row in rows]


def _section(board: Board, task: Task) -> dict[str, Any]:
    page = links.dataset_page(task.dataset)
    return {"task": task, "card": board.card(task), "scores": tables.task_table(board, task), "page": page}


def _figures(report: _Report) -> dict[str, list[figures.Drawn]]:
    board, curves = report.board, report.curves
    corruptions = dict.fromkeys(curve.corruption for curve in curves)
    drawn: dict[str, list[figures.Drawn | None]] = {
        "effects": [*effect_figures.plots(board, report.effects)],
        "standing": [figures.standing_plot(board, report.overall)],
        "robustness": [figures.robustness_plot(board, curves, corruption) for corruption in corruptions],
        "cost": [cost.plot(board)],
        "grid": [*figures.grid_plots(board)],
    }
    drawn |= {f"comparison {c.scope}": [*diagrams.plots(c)] for c in comparison_tables.shown(report.compared)}
    # Safe: our own figures, in which matplotlib has escaped every name.
    return {name: [(d[0], Markup(d[1])) for d in some if d] for name, some in drawn.items()}
