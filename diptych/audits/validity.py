"""Do the numbers mean what they seem to mean? Controls, the range of scores, collapsed encoders, seeds.

What these checks find is mostly a warning: the files are those that were made, and still say less than it seems.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diptych.audits.findings import Finding
from diptych.audits.kept import Case, Kept
from diptych.audits.verdicts import LEVEL
from diptych.boards.frame import CEILING, FLOOR, RANKED, Board, Row, Task, higher_is_better
from diptych.boards.ranking import task_shares
from diptych.data.samples import from_arrays
from diptych.metrics.base import load
from diptych.plan import row_of
from diptych.stages.embed import Collapsed, check_collapse
from diptych.stats import Summary, compared

FEWEST = 3  # seeds, below which a spread says next to nothing
RESULTS = "results.parquet"


def board(kept: Kept) -> Iterator[Finding]:
    """What the scores of a whole board say about each other."""
    if not kept.whole:
        return
    made = kept.board
    yield from _permuted(kept)
    for task in made.tasks:
        yield from _below_random(made, task)
        yield from _range(made, task)


def _permuted(kept: Kept) -> Iterator[Finding]:
    """A probe that learnt shuffled labels must be at chance, or at what its shuffle tells of the true ones."""
    for own in (own for own in kept.shuffled if own.leaks):
        score = own.score
        expected = f"at most {score.chance:.3f} + 3 × {score.sd:.3f}, as labels were permuted"
        place = f"{RESULTS}: {score.probe} permuted {score.metric}"
        yield _warning("permuted", _cells(kept.board, score.task, score.row), place, expected, str(own))


def _below_random(made: Board, task: Task) -> Iterator[Finding]:
    """A method below the same encoder untrained has learnt nothing that the probe can use."""
    metric = made.metric(task)
    for row in (row for row in made.planned(task) if made.role(row) == RANKED):
        own, floor = made.summaries[task, row], made.control(task, FLOOR, row)
        if own.n and floor.n and _clearly_below(own, floor, higher_is_better(metric)):
            place = f"{RESULTS}: {made.probe} {metric}"
            expected = f"no worse than the random encoder, {floor.mean:.3f}"
            yield _warning("controls", _cells(made, task, row), place, expected, f"{own.mean:.3f}")


def _clearly_below(own: Summary, floor: Summary, higher_is_better: bool) -> bool:
    """Worse by the rule of the board, and by more than seeds differ (t test); one seed has no spread to ask for."""
    from scipy.stats import ttest_ind_from_stats

    with np.errstate(divide="ignore", invalid="ignore"):
        p = ttest_ind_from_stats(own.mean, own.sd, own.n, floor.mean, floor.sd, floor.n).pvalue
    return compared(own, floor, higher_is_better) < 0 and not p >= LEVEL


def _range(made: Board, task: Task) -> Iterator[Finding]:
    """Scores between which methods could differ: floor and ceiling apart, and not all methods at the very top."""
    metric, place = made.metric(task), f"{RESULTS}: {made.probe} {made.metric(task)}"
    floor, ceiling = made.control(task, FLOOR), made.control(task, CEILING)
    if floor.n and ceiling.n and not any(np.isfinite(share) for share in task_shares(made, task).values()):
        found = f"{floor.mean:.3f} and {ceiling.mean:.3f}"
        yield _warning(
            "range", str(task), place, "a random encoder below the supervised one by more than half the seed sd", found
        )
    ours = [made.summaries[task, row].mean for row in made.planned(task) if made.role(row) == RANKED]
    best = load(metric).bounds[1 if higher_is_better(metric) else 0]
    at = sum(bool(abs(mean - best) < 1e-9) for mean in ours)
    if at * 2 > len(ours):
        yield _warning(
            "range",
            str(task),
            place,
            f"scores away from the best possible, {best:g}",
            f"{at} of {len(ours)} rows at it",
        )


def _cells(made: Board, task: Task, row: Row) -> str:
    """The folder of a row's cells on a task."""
    own = made.cells[(made.cells["task"] == task) & (made.cells["row"] == made.behind(task, row))]
    return row_of(str(own["cell"].iloc[0]))


def _warning(check: str, cell: str, file: str, expected: str, found: str) -> Finding:
    return Finding(check, cell, file, expected, found, "warning")


def collapsed(case: Case) -> Iterator[Finding]:
    """A trained cell that ended well has an encoder that tells rows apart, by the limits of the embed stage."""
    said = case.said
    if said.status != "ok" or not said.records["pretrain"].get("steps"):
        return
    arrays = case.arrays("embeddings")
    try:
        check_collapse(arrays[said.embedding], arrays["split"], lambda: _untrained(case))
    except Collapsed as found:
        place = f"{case.place('embeddings')}: {said.embedding}"
        yield Finding("collapse", case.name, place, "rows that are told apart, as its status is ok", str(found))


def _untrained(case: Case) -> np.ndarray:
    """Embeddings [n, d] of the cell's encoder before its first step, from its own seed."""
    from diptych.embedder import initial  # torch, for the few cells that need it

    data = case.prepared()
    method = initial(case.said.records["pretrain"], data.card["facts"], case.files["encoder"], "cpu")
    return method.embed(from_arrays(data.arrays))[case.said.embedding]


def few_seeds(kept: Kept) -> Iterator[Finding]:
    """Seeds enough to tell a difference from chance."""
    if (count := len(kept.plan.spec.seeds)) < FEWEST:
        yield _warning("seeds", "all", kept.plan.benchmark.name, f"{FEWEST} seeds or more", f"{count}")
