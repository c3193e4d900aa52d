"""Does a bundle hold by itself? Checksums, plan, records, scores from class ids, and the leaderboard made again.

Offline, without torch, MLflow or the folder of results.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pandas as pd

from diptych.boards.frame import BEYOND, Board
from diptych.bundles.pack import ABOUT, LOCKED, about
from diptych.bundles.planned import cards, identities, jobs, plan, records
from diptych.bundles.read import Bundle, Refused, opened
from diptych.bundles.scored import followed, labels, predictions, repeated, scores
from diptych.plan import Plan

SHOWN = 20  # findings of one check
CORE = ("leaderboard", "scores", "status", "rank_by")
COMPARED = "comparison"
COLUMNS = ("scope", "method", "config", "role", "place", "mean_rank", "rank_low", "rank_high", "top_group")  # at least


def findings(path: Path) -> list[str]:
    """Every way in which a bundle does not hold, as lines."""
    return verified(path)[0]


def verified(path: Path) -> tuple[list[str], str]:
    """The same, and how many of the scores that rank follow from what is packed; nothing of a file that is refused."""
    try:
        with opened(path) as bundle:
            found = [f"{check.__name__}: {said}" for check in CHECKS for said in islice(_made(check, bundle), SHOWN)]
            return found, followed(bundle)
    except Refused as error:
        return [f"refused: {error}"], ""


def _made(check: Callable[[Bundle], Iterator[str]], bundle: Bundle) -> Iterator[str]:
    try:
        yield from check(bundle)
    except Exception as error:
        yield f"could not be checked: {type(error).__name__}: {error}"


def leaderboard(bundle: Bundle) -> Iterator[str]:
    """The leaderboard, made again from the bundled results, is the bundled one."""
    from diptych.boards.page import feeds

    planned = cast(Plan, bundle.plan)  # boards read nothing else of a plan
    table, feed = feeds(Board(planned, bundle.folder), "")
    made, found = (_text(text) for text in (table.to_csv(index=False), bundle.content["leaderboard.csv"].decode()))
    columns, others = ([str(column) for column in text] for text in (made, found))
    if not set(COLUMNS) <= set(others) <= set(columns):  # an older version may have told less
        yield f"leaderboard.csv: expected the columns {', '.join(columns)}, found {', '.join(others)}"
    elif not made[others].equals(found):
        yield "leaderboard.csv: expected the leaderboard of results.parquet, found another"
    told, again = bundle.json("leaderboard.json"), json.loads(json.dumps(feed))
    again[COMPARED] = _narrowed(again[COMPARED], told.get(COMPARED))
    for name in sorted((told.keys() & again.keys() | set(CORE)) - set(BEYOND)):
        if told.get(name) != again.get(name):
            yield f"leaderboard.json: {name}: expected what follows from results.parquet, found another"


def _narrowed(lines: list[dict[str, Any]], told: Any) -> list[dict[str, Any]]:
    """Lines without the fields that those of an older version do not tell."""
    if not isinstance(told, list) or len(told) != len(lines):
        return lines
    return [{name: line[name] for name in line if name in own} for line, own in zip(lines, told, strict=True)]


def _text(content: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(content), dtype=str, keep_default_na=False)


def environment(bundle: Bundle) -> Iterator[str]:
    """Machines and versions are those of the records."""
    if bundle.json(ABOUT) != json.loads(json.dumps(about([line["record"] for line in bundle.records]))):
        yield f"{ABOUT}: expected what the records say, found another"


def lock(bundle: Bundle) -> Iterator[str]:
    """The lock file is one under which cells were made, where the records state any."""
    environments = (line["record"].get("environment") or {} for line in bundle.records)
    stated = {str(environment.get("lock", "")) for environment in environments} - {""}
    if stated and LOCKED in bundle.content:
        found = hashlib.sha256(bundle.content[LOCKED]).hexdigest()
        if found not in stated:
            yield f"{LOCKED}: expected sha256 {' or '.join(sorted(stated))} (from the records), found {found}"


CHECKS = (
    plan,
    cards,
    repeated,
    identities,
    records,
    jobs,
    predictions,
    labels,
    scores,
    leaderboard,
    environment,
    lock,
)
