"""Sentences of a board: what stands in plain sight, and how to read the tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diptych.boards.damage import Permuted
from diptych.boards.frame import CEILING, FLOOR, RANKED, Board, Task, higher_is_better
from diptych.boards.ranking import task_shares
from diptych.boards.tables import best_row, number
from diptych.catalog import FINE_TUNED
from diptych.imputers import NONE
from diptych.stats import GAP_SDS, SMALLEST_GAP, TIE_SHARE, Summary, compared

CONTROLS = {"raw": "Raw features", "random": "The random (untrained) encoder"}


@dataclass(frozen=True)
class Seen:
    """What is said of a data set; the same claim on several is told once."""

    claim: str
    task: Task
    numbers: str = ""
    tail: str = ""


def plain_sight(board: Board, shuffled: list[Permuted]) -> list[str]:
    """Where a control wins or ties, where a share means nothing, and where shuffled labels can be predicted."""
    seen = [s for task in board.tasks for s in (*_controls(board, task), *_ceiling(board, task))]
    found = _told(board, [*seen, *(s for task in board.tasks for s in _undefined(board, task))])
    if flagged := [p for p in shuffled if p.leaks]:
        names = ", ".join(sorted({str(p.task) for p in flagged}))
        found.append(
            f"Probes trained on permuted labels are above chance + 3 sd in every seed on {names}: look for a leak, "
            "or for a test set whose samples are alike."
        )
    if len(board.plan.spec.seeds) == 1:
        found.append("One seed: no difference in this report has a spread, so none is shown to be more than chance.")
    return found


def _told(board: Board, seen: list[Seen]) -> list[str]:
    """A sentence for each claim, in the order in which they come up."""
    claims: dict[tuple[str, str], list[Seen]] = {}
    for each in seen:
        claims.setdefault((each.claim, each.tail), []).append(each)
    return [_sentence(board, claim, tail, own) for (claim, tail), own in claims.items()]


def _sentence(board: Board, claim: str, tail: str, own: list[Seen]) -> str:
    if len(own) == 1:
        where, numbers = str(own[0].task), own[0].numbers
    else:
        word = "tasks" if any(task.condition for task in board.tasks) else "data sets"
        where = f"{len(own)} of {len(board.tasks)} {word}"
        numbers = "; ".join(f"{s.task} {s.numbers}".strip() for s in own)
    return f"{claim.format(where)}{': ' if numbers else ''}{numbers}{tail}."


def _controls(board: Board, task: Task) -> list[Seen]:
    champion = best_row(board, task)
    if champion is None:
        return [Seen("No self-supervised method has a score on {}", task)] if _asked(board, task) else []
    best, better = board.summaries[task, champion], higher_is_better(board.metric(task))
    found = []
    for method, name in CONTROLS.items():
        control = board.control(task, method, champion)
        if control.n and (verdict := compared(control, best, better)) >= 0:
            verb = "beat" if method == "raw" else "beats"
            apart = verdict > 0 and number(control.mean) != number(best.mean)
            said = f"{verb} every method" if apart else "cannot be told from the best method"
            claim = f"{name} {said} on {{}} under {board.probe}"
            found.append(Seen(claim, task, f"{_against(board, task, control, best)} by {champion}"))
    return found


def _against(board: Board, task: Task, one: Summary, other: Summary) -> str:
    return f"{board.metric(task)} {number(one.mean)} against {number(other.mean)}"


def _asked(board: Board, task: Task) -> bool:
    return any(board.role(row) == RANKED for row in board.planned(task))


def _ceiling(board: Board, task: Task) -> list[Seen]:
    champion = best_row(board, task)
    ceiling = board.control(task, CEILING, champion)
    if champion is None or not ceiling.n:
        return []
    best = board.summaries[task, champion]
    above = compared(best, ceiling, higher_is_better(board.metric(task))) > 0
    if not above or number(best.mean) == number(ceiling.mean):
        return []
    claim = "The best method is above the supervised encoder on {}"
    tail = "; the supervised row is an upper bound only for its own budget"
    return [Seen(claim, task, f"{champion} {_against(board, task, best, ceiling)}", tail)]


def _undefined(board: Board, task: Task) -> list[Seen]:
    champion = best_row(board, task)
    floor, ceiling = board.control(task, FLOOR, champion), board.control(task, CEILING, champion)
    if not floor.n or not ceiling.n or any(np.isfinite(s) for s in task_shares(board, task).values()):
        return []
    claim = "The random encoder and the supervised one are too close to measure a share between them on {}"
    tail = "; such a data set hardly separates encoders"
    return [Seen(claim, task, _against(board, task, floor, ceiling), tail)]


def how_to_read(board: Board) -> list[tuple[str, str]]:
    """Term and explanation of everything a table shows."""
    spec = board.plan.spec
    primary = spec.rank_by.metric == "primary"
    metric = "each data set's primary metric, fixed on its card" if primary else spec.rank_by.metric
    budget = ", ".join(f"{key} = {value}" for key, value in spec.train.items()) or "each paper's own"
    return [
        ("Score", f"{metric}, of {_reader(board.probe)}, scored once on test."),
        *((term, " ".join(text.split())) for term, text in TERMS.items() if term not in _absent(board)),
        ("Budget", f"{budget}. Seeds: {', '.join(map(str, spec.seeds))}."),
    ]


def _reader(probe: str) -> str:
    if probe == FINE_TUNED:
        return "the encoder and a linear head fine-tuned on train"
    return f"the {probe} probe fitted on frozen embeddings of train"


def _absent(board: Board) -> list[str]:
    """Terms of what this benchmark does not have."""
    asked = board.plan.spec
    has = {
        "Grid": board.choices,
        "Effects": asked.effects,
        "Fine-tuned": FINE_TUNED in asked.probes,
        "Imputation": asked.impute != [NONE],
    }
    return [term for term in has if not has[term]]


TERMS = {
    "Mean ± sd": "over seeds of one row on one data set. A data set counts once, however many seeds it has.",
    "Rank": f"""among the self-supervised rows planned on a data set, 1 is best. Scores closer than {TIE_SHARE:g} × the
        pooled seed sd share a rank (with one seed: only equal scores do). A row without a score, or without a seed that
        others have, takes the last rank: failing never helps. A number in brackets is the rank a control would hold if
        it joined. Mean ranks compare rows only where they ran on the same data sets.""",
    "Share": f"""(score − random encoder) / (supervised − random encoder): 0 is an untrained encoder, 1 the same encoder
        trained on the labels. Not clipped: it can be negative or above 1. Undefined where the two lie closer than
        {SMALLEST_GAP:g} or {GAP_SDS:g} pooled seed sds.""",
    "random, raw": """data sets on which the row is above / tied with / below that control; tied: within half the seed
        sd that the two have in common. This counts, it does not test: with three seeds equal rows are so apart in more
        than half of all cases, and the best of ten equal rows is above a control in seven of ten. Intervals and tests
        over data sets stand under “Which rows can be told apart”.""",
    "Cells": "cells that have this score / cells that were planned; the denominator is fixed before anything runs.",
    "Grid": """a method with several configurations is ranked by two rows. Default config: the one that runs without a
        grid (the first of the grid where that is not in it). Best of n by validation: on each data set the one of n
        with the best mean score, over seeds, of training rows that were held out while the probe was fitted; its test
        score counts. A configuration that lost seeds yields to those that did not. Grid points are not ranked, and
        neither is the oracle, the best of them on test.""",
    "Controls": """raw: the input itself, flattened; random: the encoder untrained; pca: principal components of the
        input; supervised: the same encoder trained on labels. They stand beside the methods and are not ranked with
        them. Neither are rows marked supervised: they saw training labels.""",
    "Permuted": """the same probe trained on shuffled labels. It must be at chance; a score above chance + 3 sd is
        flagged; the sd is that of a test set of this size, or that of all such scores on the task where it is larger,
        since rows of one class are also mistaken alike.""",
    "Area": """under the score over severity, divided by the largest severity, encoder frozen; severity 0 is the clean
        score. A poor row keeps much of little: read area and clean score together. “Keeps” is the share of the clean
        advantage over chance that is left on average. “seen”: the method was trained on views that resemble the
        corruption, which is an advantage.""",
    "Fine-tuned": """encoder and linear head trained on the labels by AdamW; learning rate and number of epochs
        are those of the smallest log-loss on a held-out fifth of train, then all of train is used.""",
    "Imputation": """`impute=mean` in a row: missing values were filled before the method saw them, by an imputer fitted
        on training rows; `none`: it met them by itself. All imputers, and none, meet the same masks. Controls are
        compared under the same imputer.""",
    "Effects": """published effects that the benchmark file states. The unit is the seed: data sets and other axes are
        averaged inside a seed, and the 95 % t interval of the mean difference over seeds decides: shown (it excludes 0
        in the claimed direction), opposite (in the other one), not shown, not measured (cells are missing). The best
        point of a peak is chosen for each seed by the other seeds. Each effect is judged for itself: of twenty that are
        not there, one is called shown or opposite by chance.""",
    "Health": "alignment, uniformity and rank of the embeddings of test rows; they explain scores, they rank nothing.",
}
