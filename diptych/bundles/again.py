"""A sample of a bundle's cells, run again by the code that is here: does what was published still come out?

The bundled board is laid out in a scratch folder, data are fetched and prepared there, and the recorded jobs are run.
"""

from __future__ import annotations

import importlib
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from diptych import plan, replay
from diptych.audits import agreement
from diptych.audits.integrity import SCORED
from diptych.audits.kept import Kept
from diptych.audits.repeat import Again, Repeat, elsewhere, judged, stratified, unable
from diptych.audits.verdicts import LEVEL, worst
from diptych.bundles.pack import BOARD, PREDICTED, PREDICTIONS
from diptych.bundles.read import Bundle, opened
from diptych.records import ContractError, read_npz, read_table, sha256

if TYPE_CHECKING:
    from diptych.plan import Cell, Plan

DATA = {"data": "card", "pretrain_data": "pretrain_card", "robustness_data": "robustness_card"}


@contextmanager
def sampled(path: Path, count: int, budget: float = float("inf"), draw: str = "") -> Iterator[Again]:
    """The cells of a bundle that were run again, for as long as its board is laid out.

    One that was trained for longer than the budget is left out. Where the ranking score shifted, which one in twenty
    does by chance, the other seeds are run, too.
    """
    with opened(path) as bundle, TemporaryDirectory() as folder:
        planned = _planned(bundle, folder)
        here = _counterparts(bundle, planned)
        board = bundle.folder / "boards" / bundle.plan.name
        board.mkdir(parents=True)
        for name in BOARD:
            (board / name).write_bytes(bundle.content[name])
        kept = Kept(cast("Plan", bundle.plan))
        well = (cell for cell in stratified(kept.plan, draw) if _fits(kept.cells[cell.path], budget))
        again = Again(kept, list(islice(well, count)), budget)
        again.done += [_repeated(kept, bundle, cell, planned, here[cell]) for cell in again.begun()]
        again.others += [_repeated(kept, bundle, cell, planned, here[cell]) for cell in _other_seeds(again)]
        yield again


def _planned(bundle: Bundle, folder: str) -> Plan:
    if own := [entry for entry in bundle.plan.spec.datasets if not isinstance(entry, str)]:
        raise ContractError(f"a bundle holds no own data, so that its cells cannot run again from it: {own[0]}")
    return plan.load(bundle.plan.benchmark.as_posix(), folder)


def _counterparts(bundle: Bundle, planned: Plan) -> dict[Cell, Cell]:
    """Each bundled cell with the cell that its settings make here, where a setting that came since has its default."""
    by: dict[tuple[str, str, int, str], list[tuple[Cell, dict[str, Any]]]] = defaultdict(list)
    for cell in planned.cells:
        by[_known_by(cell)].append((cell, json.loads(json.dumps(planned.flat(cell)))))  # tuples are lists in a bundle
    found = {}
    for cell in bundle.plan.cells:
        told = bundle.plan.flat(cell).items()
        same = [(here, flat) for here, flat in by[_known_by(cell)] if told <= flat.items()]
        if not same:
            raise ContractError(f"{plan.row_of(cell.path)}: its settings make no cell here, so it cannot run again")
        # Of several, that with the fewest others: what sets points of a grid apart stands in some of them alone.
        found[cell] = min(same, key=lambda one: len(one[1]))[0]
    return found


def _known_by(cell: Cell) -> tuple[str, str, int, str]:
    """What names a cell whatever settings the code has."""
    return cell.dataset, cell.method, cell.seed, cell.condition


def _other_seeds(again: Again) -> list[Cell]:
    """Those of the rows whose ranking score shifted."""
    seen = {repeat.cell for repeat in again.done}
    doubted = {plan.row_of(r.cell.path) for r in again.done if agreement.ranked(again, r) == "shifted"}
    return [cell for cell in again.kept.plan.cells if cell not in seen and plan.row_of(cell.path) in doubted]


def _fits(about: dict[str, Any], budget: float) -> bool:
    return about["status"] == "ok" and not about["seconds"] > budget


def holds(told: dict[str, Any]) -> bool:
    """Whether cells ran, all that could, no row was lost, and no more ranking scores shifted than by chance."""
    ran = told["ranking_scores"]["judged"] and "not runnable" not in told["verdicts"]
    return bool(ran) and told["ranking_scores"]["p"] >= LEVEL and not told["lost"]


def _repeated(kept: Kept, bundle: Bundle, cell: Cell, planned: Plan, here: Cell) -> Repeat:
    records = {line["stage"]: line["record"] for line in bundle.records if line["cell"] == cell.path}
    try:
        for role, card in DATA.items():
            _prepared(planned, getattr(planned.files(here), role), getattr(planned.files(here), card))
        with TemporaryDirectory() as folder:
            jobs = {stage: record["job"] for stage, record in records.items()}
            made = replay.rerun(planned, here, jobs, Path(folder), str(records["pretrain"].get("device", "cpu")))
            scores = tuple(judged(kept, cell, kept.results[cell.path], _scores(made), _same(bundle, cell, made)))
            other_here = elsewhere(records["pretrain"].get("environment") or {})
            return Repeat(cell, worst(score.verdict for score in scores), "", scores, other_here)
    except Exception as error:
        return unable(cell, error)


def _prepared(planned: Plan, data: Path, card: Path) -> None:
    """A data set in the variant that these files name, fetched and prepared unless it is there."""
    variant, (dataset, source) = data.parent.name, (data.parents[1].name, data.parents[1] / "source.json")
    data.parent.mkdir(parents=True, exist_ok=True)
    if not source.exists():
        job = json.loads(planned.job("download", dataset=dataset)) | {"mirror": planned.mirror}
        importlib.import_module("diptych.stages.download").run(job, source=source)
    if not data.exists() and (dataset, variant) in planned.variants:
        job = json.loads(planned.job("prepare", dataset=dataset, variant=variant))
        importlib.import_module("diptych.stages.prepare").run(job, source=source, data=data, card=card)


def _scores(made: dict[str, Path]) -> pd.DataFrame:
    return pd.concat([read_table(made[role]) for role in SCORED if role in made], ignore_index=True)


def _same(bundle: Bundle, cell: Cell, made: dict[str, Path]) -> dict[str, bool]:
    """Place -> False for what was predicted in a file that came back with other bytes."""
    table = bundle.table(PREDICTIONS)
    known = table.loc[table["cell"] == cell.path].set_index("file")["sha256"].groupby(level=0).first()
    other = [role for role, file in PREDICTED.items() if role in made and sha256(made[role]) != known.get(file)]
    return {name: False for role in other for name in read_npz(made[role])}
