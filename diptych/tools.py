"""The verbs for people: list, plan, status, retry, show, index, docs."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diptych import catalog, plan, state
from diptych.spec import BenchmarkError


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table; full width where the output is not a terminal."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", show_lines=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 200, markup=False).print(drawn)


def show_list(options: argparse.Namespace) -> None:
    """`diptych list WHAT`."""
    columns, rows = listing(options.what)
    table(options.what, columns, rows)


def listing(what: str) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of everything of a kind; the README's tables are made from it."""
    if what == "datasets":
        return _datasets()
    if what == "benchmarks":
        return _benchmarks()
    found = catalog.components(what).values()
    extra = {"methods": ["role", "modalities", "paper", "negatives", "missing"]}
    extra |= {"corruptions": ["target", "modalities"], "imputers": ["modalities"]}
    extra |= {"metrics": ["higher_is_better", "bounds", "needs"], "probes": ["probabilities"]}
    names = extra.get(what, [])
    rows = [[c.name, *(_text(c.attributes.get(n, "")) for n in names), _defaults(c), c.summary] for c in found]
    return ["name", *names, "parameters and defaults", "what it is"], rows


def _defaults(component: catalog.Component) -> str:
    shown = [f"{name}={parameter.default}" for name, parameter in component.parameters.items()]
    recipe = component.attributes.get("recipe", {}) if component.kind == "methods" else {}
    return ", ".join([*shown, *(f"train.{name}={value}" for name, value in recipe.items())])


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list | dict | frozenset) else str(value)


def _datasets() -> tuple[list[str], list[list[str]]]:
    columns = ["name", "modality", "n", "shape", "classes", "split", "primary metric", "source", "licence", "title"]
    rows = []
    for card in catalog.datasets().values():
        kinds = dict.fromkeys(source.kind for source in card.sources) or ["synthetic"]
        shape = "×".join(str(s or "…") for s in card.shape)
        counts = [str(card.n or ""), shape, str(len(card.classes) or "")]
        rows.append(
            [card.name, card.modality, *counts, card.split, card.metric, ", ".join(kinds), card.licence, card.title]
        )
    return columns, rows


def _benchmarks() -> tuple[list[str], list[list[str]]]:
    rows = []
    for file in sorted(Path("benchmarks").glob("*.yaml")):
        if file.name != "config.yaml" and not file.name.startswith("claims"):
            found = plan.load(str(file))
            counts = [str(len(found.cells)), ", ".join(found.cards), ", ".join(found.spec.methods)]
            rows.append([str(file), *counts, found.spec.description])
    return ["file", "cells", "data sets", "methods", "what it is"], rows


def show_plan(options: argparse.Namespace) -> None:
    """`diptych plan BENCHMARK [--budget 2h]`: cells and jobs, cached, missing and stale, and what they will cost."""
    from diptych import outlook

    found = plan.load(options.benchmark, options.root)
    if options.jobs:
        for job in state.jobs(found):
            print(job.job)
        return
    cells = Counter((cell.dataset, cell.method) for cell in found.cells)
    rows = [[d, found.cards[d].modality, m, str(n)] for (d, m), n in cells.items()]
    table(f"{found.name}: {len(found.cells)} cells", ["data set", "modality", "method", "cells"], rows)
    states = list(state.jobs(found))
    counts: Counter[tuple[str, str]] = Counter((job.stage, job.state) for job in states)
    stages = dict.fromkeys(stage for stage, _ in counts)
    kinds = ("cached", "missing", "stale")
    jobs = [[s, *(str(counts[s, k]) for k in kinds), str(sum(counts[s, k] for k in kinds))] for s in stages]
    table("jobs", ["stage", *kinds, "all"], jobs)
    outlook.show(found, states, options)


def show_status(options: argparse.Namespace) -> None:
    """`diptych status BENCHMARK`: what is done, what failed and why."""
    found = plan.load(options.benchmark, options.root)
    statuses = {cell: state.cell_status(found, cell) for cell in found.cells}
    counts = Counter(status for status, _ in statuses.values())
    table(f"{found.name}: {len(found.cells)} cells", ["status", "cells"], [[s, str(n)] for s, n in counts.items()])
    bad = [[c.path, c.condition, s, why] for c, (s, why) in statuses.items() if s not in ("ok", "pending")]
    if bad:
        table("not ok", ["cell", "condition", "status", "reason"], bad)


def retry(options: argparse.Namespace) -> None:
    """`diptych retry BENCHMARK`: drop the records of failed jobs, so that the next run does them again."""
    from diptych.records import STATUSES

    chosen = options.status.split(",")
    if unknown := set(chosen) - set(STATUSES):
        raise BenchmarkError(f"--status: unknown {', '.join(sorted(unknown))}; valid: {', '.join(STATUSES)}")
    found = plan.load(options.benchmark, options.root)
    dropped = [job for job in state.jobs(found) if job.status in chosen]
    for job in dropped:
        job.record.unlink()
    print(f"{len(dropped)} jobs of {found.name} will be done again by the next run")


def show_board(options: argparse.Namespace) -> None:
    """`diptych show BENCHMARK`: the leaderboard, and where everything is."""
    from diptych import board

    found = plan.load(options.benchmark, options.root)
    board.show(found.root / "boards" / found.name)


def print_board(options: argparse.Namespace) -> None:
    """`diptych board BENCHMARK`: a leaderboard for a paper, from what `report` reads."""
    from diptych.boards import paper
    from diptych.boards.frame import Board

    found = plan.load(options.benchmark, options.root)
    print(paper.text(Board(found, found.root / "boards" / found.name), options.format, options.modality))


def rungs(options: argparse.Namespace) -> None:
    """`diptych rungs A B [C]`: how far the rankings of cheaper and dearer benchmarks agree."""
    from diptych.boards import rungs

    boards = [rungs.read(_board(name, options.root)) for name in options.boards]
    if len(boards) < 2:
        raise BenchmarkError("rungs: two boards or more were expected")
    for pair in rungs.compare(boards):
        print(pair.line)


def _board(name: str, root: str) -> Path:
    """The folder of a board, which may be named by its benchmark file."""
    found = plan.load(name, root) if Path(name).is_file() else None
    return found.root / "boards" / found.name if found else Path(name)


def index(options: argparse.Namespace) -> None:
    """`diptych index`: the page that lists every benchmark of a results folder."""
    from diptych.boards import index

    print(f"index: {index.write(Path(options.root) / 'boards')}")


def docs(options: argparse.Namespace) -> int:
    """`diptych docs`: regenerate the generated texts, or say which are out of date."""
    from diptych import documentation

    stale = documentation.update(check=options.check)
    for file in stale:
        print(f"{'out of date' if options.check else 'written'}: {file}")
    return 1 if options.check and stale else 0


VERBS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "plan": show_plan,
    "status": show_status,
    "retry": retry,
    "show": show_board,
    "board": print_board,
    "rungs": rungs,
    "index": index,
    "list": show_list,
    "docs": docs,
}
