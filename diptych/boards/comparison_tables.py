"""Tables of a comparison, and what it says of its own limits."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any, get_args

import numpy as np

from diptych import comparisons
from diptych.boards import links, tables
from diptych.boards.comparison import DEFAULT, PAIRS, Compared, Estimate, of
from diptych.boards.frame import GRID_POINT, Board
from diptych.boards.ranking import leaderboard
from diptych.boards.tables import Entry, Table, counted, name_entry, number, number_entry
from diptych.stats import average

POLICIES: tuple[comparisons.Policy, ...] = get_args(comparisons.Policy)
RELIABLE = 8  # data sets from which an interval can be trusted
NAMED = 8  # untested rows that are named
INTERVAL = "95 % interval"
TIED = "†"  # with the best mean rank
PLACE, RANK = 0, 2  # columns of a leaderboard


def shown(found: list[Compared]) -> list[Compared]:
    """A modality that is all there is stands on the page once."""
    return [c for c in found if c.scope == found[0].scope or c.tasks != found[0].tasks]


def sections(found: list[Compared]) -> list[dict[str, Any]]:
    """What the page and the text show of each scope."""
    return [
        {"scope": c.scope, "rows": table(c), "policies": policies(c), "pairs": pairs(c), "notes": notes(c)}
        for c in shown(found)
    ]


def leading(board: Board, modality: str, found: list[Compared]) -> Table:
    """The leaderboard with intervals of mean ranks, and what is tied at the top."""
    table, c = tables.standings(board, modality), of(found, modality)
    place = {row: i for i, row in enumerate(c.rows)} if c else {}
    listed = [standing for standing in leaderboard(board, modality) if standing.role != GRID_POINT]
    rows = []
    for standing, entries in zip(listed, table.rows, strict=True):
        line, i = list(entries), place.get(standing.row)
        if c and i is not None:
            line[RANK] = replace(line[RANK], below=ranged(c, c.rank, i).below)
            line[PLACE] = replace(line[PLACE], text=line[PLACE].text + (TIED if c.top[i] else ""))
        rows.append(tuple(line))
    return Table(table.columns, tuple(rows))


def order(c: Compared) -> list[int]:
    """Places of the rows, the best mean rank first."""
    return [int(i) for i in np.argsort(c.rank.value, kind="stable")]


def table(c: Compared) -> Table:
    """One line per row, the best mean rank first."""
    rows = []
    for i in order(c):
        rows.append((
            name_entry(c.board, c.rows[i]),
            ranged(c, c.rank, i),
            _place(c, i),
            ranged(c, c.first, i),
            Entry("tied" if c.top[i] else "", kind="good" if c.top[i] else ""),
            _shared(c, c.share, i),
            _shared(c, c.iqm, i),
            ranged(c, c.better, i),
        ))  # fmt: skip
    columns = (
        Entry("method"),
        Entry("mean rank", below=INTERVAL, title="ties as on the leaderboard", kind="number"),
        Entry("places", title="95 % interval of the place by mean rank", kind="number"),
        Entry("P(first)", title="share of the draws in which the row has the best mean rank", kind="number"),
        Entry("top", title="cannot be told from the best mean rank at 95 %"),
        Entry(
            "share",
            below=INTERVAL,
            title="random 0, supervised 1, where these differ; missing: the worst",
            kind="number",
        ),
        Entry("IQM", below=INTERVAL, title="mean of the middle half of all runs' shares", kind="number"),
        Entry("P(> random)", below=INTERVAL, title="a run is above one of the random encoder", kind="number"),
    )
    return Table(columns, tuple(rows))


def _shared(c: Compared, estimate: Estimate, i: int) -> Entry:
    """A number made of shares, with the data sets behind it where these are too few for an interval."""
    entry, n = ranged(c, estimate, i), int(c.scales[i])
    few = counted(n, "data set") if n else ""
    return replace(entry, below=entry.below or few, title=f"defined on {n} of {len(c.tasks)} data sets")


def ranged(c: Compared, estimate: Estimate, i: int) -> Entry:
    """A number of a row with its interval below."""
    value, (low, high) = float(estimate.value[i]), _ends(c, estimate, i)
    below = f"{number(low, 2)} to {number(high, 2)}" if np.isfinite(low) else ""
    return Entry(number(value, 2), below=below, kind="number", value=value, link=_cells(c, i))


def _ends(c: Compared, estimate: Estimate, i: int) -> tuple[float, float]:
    """The interval of a row; NaN where none was drawn."""
    if estimate.around is None:
        return float("nan"), float("nan")
    low, high = map(float, estimate.around[:, i])
    return low, high


def _place(c: Compared, i: int) -> Entry:
    value, (low, high) = float(c.place.value[i]), _ends(c, c.place, i)
    first, last = (number(end, 0) for end in (low, high))
    text = f"{first}–{last}" if first != last else number(value, 0)
    return Entry(text, kind="number", value=value, link=_cells(c, i))


def _cells(c: Compared, i: int) -> str:
    return links.every_cell(c.rows[i])


def policies(c: Compared) -> Table:
    """Mean rank under each policy for missing cells; none where nothing is missing."""
    missing = c.missing
    if not missing.any():
        return Table((), ())
    means = {}
    for policy in POLICIES:
        found = c.under(policy)
        counted = int((~np.isnan(found)).any((0, 2)).sum())
        name = f"{policy} (default)" if policy == DEFAULT else policy
        means[Entry(name, below=f"{counted} data sets", kind="number")] = comparisons.mean_ranks(found, c.tolerance)
    cells = c.planned.sum(1) * c.raw.shape[2]
    rows = [
        (
            name_entry(c.board, c.rows[i]),
            Entry(f"{missing[i].sum()}/{cells[i]}", kind="number bad" if missing[i].any() else "number muted"),
            *(number_entry(float(mean[i]), 2, link=_cells(c, i)) for mean in means.values()),
        )
        for i in order(c)
    ]
    return Table((Entry("method"), Entry("missing cells", kind="number"), *means), tuple(rows))


def pairs(c: Compared) -> Table:
    """Every pair of the block, the smallest p first; none beyond `PAIRS` rows."""
    if not c.pairwise:
        return Table((), ())
    by_rank, effect = np.argsort(average(c.ranks), kind="stable").tolist(), comparisons.rank_biserial(c.means)
    ordered = sorted(combinations(by_rank, 2), key=lambda pair: c.adjusted[pair])
    columns = (
        Entry("better mean rank"),
        Entry("against"),
        Entry("win / tie / loss", title="data sets; ties within half the pooled seed sd", kind="number"),
        Entry("effect r", title="matched-pairs rank-biserial correlation over data sets, −1 to 1", kind="number"),
        Entry("P(better)", title="a run beats one of the other: A of Vargha and Delaney, mean", kind="number"),
        Entry("p (Holm)", title="two-sided Wilcoxon signed-rank over data sets, Holm over all pairs", kind="number"),
    )
    return Table(columns, tuple(_pair(c, i, j, float(effect[i, j])) for i, j in ordered))


def _pair(c: Compared, i: int, j: int, effect: float) -> tuple[Entry, ...]:
    """Two rows of the block; numbers lead to the cells of the better one, the other's stand behind its name."""
    better, other = (c.rows[c.block[k]] for k in (i, j))
    link, p = links.every_cell(better), float(c.adjusted[i, j])
    outcomes = c.outcomes[i, j].tolist()
    return (
        name_entry(c.board, better),
        name_entry(c.board, other),
        Entry(" / ".join(map(str, outcomes)), kind="number", value=float(outcomes[0]), link=link),
        number_entry(effect, 2, link=link),
        number_entry(float(c.improvement[i, j]), 2, link=link),
        number_entry(p, kind="number good" if p < comparisons.LEVEL else "number", link=link),
    )


def notes(c: Compared) -> list[str]:
    """What was compared, how, and what this design can and cannot show."""
    n, seeds = len(c.tasks), len(c.board.plan.spec.seeds)
    said = [
        f"{counted(len(c.rows), 'row')} on {n} data sets, {counted(seeds, 'seed')} each; the unit is the data set. "
        f"Intervals: {c.draws:,} paired draws of data sets, then of seeds within each. They are of these rows and this "
        "pool of data sets.",
        _missing(c),
    ]
    if n < RELIABLE:
        said.append(f"Intervals are unreliable: {n} data sets, fewer than {RELIABLE}.")
    if not len(c.block):
        said.append("No row was planned on all of these data sets: rows have a rank, and none is tested.")
    elif out := [str(row) for i, row in enumerate(c.rows) if i not in c.block]:
        names = ", ".join(out[:NAMED]) + (f" and {len(out) - NAMED} more" if len(out) > NAMED else "")
        said.append(f"Ranked and not tested, since not planned on all of these data sets: {names}.")
    if len(c.block) > 1:
        said += [_tested(c), _tied(c), *_resolved(c)]
    if not c.few:
        said.append(f"Pairs, and intervals of shares and probabilities, are left out beyond {PAIRS} rows.")
    return said


def _missing(c: Compared) -> str:
    missing = int(c.missing.sum())
    if not missing:
        return "No planned cell is without a score, so that every policy for missing cells says the same."
    return (
        f"{missing} of {int(c.planned.sum()) * c.raw.shape[2]} planned cells have no score. By default a row has lost "
        f"a data set on which it lacks a cell ({DEFAULT}); the other policies stand beside it. A seed that no row has "
        "on a data set counts against none."
    )


def _tested(c: Compared) -> str:
    (f, p), least = c.friedman, comparisons.smallest_p(len(c.tasks))
    reach = f"The smallest p that {len(c.tasks)} data sets allow for a pair is {least:.2g} before adjustment"
    reach += "." if c.reachable else ": after Holm's, no pair of so many can be told apart."
    if not np.isfinite(p):
        return reach
    verdict = "rows differ" if p < comparisons.LEVEL else "no difference among rows is shown"
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    return f"Friedman (Iman–Davenport): F = {number(f, 2)}, {shown}: {verdict}. {reach}"


def _tied(c: Compared) -> str:
    said, nemenyi = f"{c.tied} of {len(c.block)} rows are tied at the top: ", comparisons.nemenyi(*c.ranks.shape)
    if c.reachable:
        return said + "no signed-rank test after Holm's adjustment tells them from the best mean rank."
    return (
        f"{said}their mean rank is as near to the best as that of equal rows is in 95 % of shuffles. The critical "
        f"difference is {number(c.critical, 2)} (Nemenyi's: {number(nemenyi, 2)})."
    )


def _resolved(c: Compared) -> list[str]:
    scores, pairs = c.scores[c.block], len(c.block) * (len(c.block) - 1) // 2
    least, of_all = (comparisons.resolution(scores, comparisons.LEVEL / n) for n in (1, pairs))
    if not np.isfinite(least):
        return []
    said = (
        f"Resolution: a mean difference of {number(least)} between two rows that were chosen beforehand is found with "
    )
    said += (
        "80 % power (paired t test at .05, from the spread of rows over data sets; read it where the metrics are alike)"
    )
    return [
        said + (f"; between any of {pairs} pairs one of {number(of_all)} is (at .05 / {pairs})." if pairs > 1 else ".")
    ]
