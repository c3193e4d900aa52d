"""What a stated effect compares: the cells that it names, their places on an axis, and what stops it at planning time.

Imports nothing heavy: the planner checks effects, the board judges them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from diptych.catalog import components
from diptych.data.subset import board_name
from diptych.spec import BenchmarkError, Effect, one_of

if TYPE_CHECKING:
    from diptych.plan import Cell, Plan

    Points = dict[Any, list[Cell]]  # place on the axis -> cells, in the order of the axis

NEEDS = {"rises": {"along"}, "falls": {"along"}, "peaks": {"along"}, "above": {"over"}, "steeper": {"along", "over"}}
MAY_HAVE = {"above": {"along"}, "collapses": {"over"}}  # above: the axis of the figure, where several are shared
FEWEST = {"peaks": 3}  # points on an axis; two for the other kinds


@dataclass(frozen=True)
class Comparison:
    """What an effect compares on one data set."""

    dataset: str
    of: Points
    over: Points

    @property
    def cells(self) -> list[Cell]:
        """Every cell that takes part."""
        return [*chain.from_iterable(self.of.values()), *chain.from_iterable(self.over.values())]


# ---------------------------------------------------------------------- which cells


def selected(plan: Plan, where: dict[str, Any], datasets: Iterable[str] = ()) -> dict[str, list[Cell]]:
    """By data set, the cells that have the method and the parameters of a selection: clean ones where there are any."""
    clean, asked = {cell.dataset for cell in plan.cells if not cell.condition}, {board_name(name) for name in datasets}
    found: dict[str, list[Cell]] = {}
    for cell in plan.cells:
        counts = (not cell.condition or cell.dataset not in clean) and (not asked or cell.dataset in asked)
        if counts and all(_equal(_about(plan, cell).get(key), wanted) for key, wanted in where.items()):
            found.setdefault(cell.dataset, []).append(cell)
    return found


def _about(plan: Plan, cell: Cell) -> dict[str, Any]:
    return plan.flat(cell) | {"method": cell.method, "dataset": cell.dataset}


def _equal(have: Any, wanted: Any) -> bool:
    """Equal, or one of a list; true is not 1."""
    if isinstance(wanted, list) and not isinstance(have, list | tuple):
        return any(_equal(have, one) for one in wanted)
    same = list(have) == wanted if isinstance(have, tuple) else have == wanted
    return bool(same) and isinstance(have, bool) == isinstance(wanted, bool)


def comparisons(plan: Plan, effect: Effect) -> list[Comparison]:
    """What is compared on every data set on which there is enough to compare."""
    of = selected(plan, effect.of, effect.datasets)
    over = selected(plan, effect.over, effect.datasets) if effect.over else {}
    if effect.kind == "collapses" and not effect.over:
        same = selected(plan, {"method": effect.of["method"]}, effect.datasets)
        over = {name: [cell for cell in cells if cell not in of.get(name, ())] for name, cells in same.items()}
    found = [_comparison(plan, effect, of[name], over.get(beside(effect) or name, [])) for name in of]
    return [comparison for comparison in found if _enough(effect, comparison)]


def beside(effect: Effect) -> str:
    """The data set of `over` where two data sets are compared; else nothing."""
    return str((effect.over or {}).get("dataset", ""))


def _comparison(plan: Plan, effect: Effect, of: list[Cell], over: list[Cell]) -> Comparison:
    name = of[0].dataset
    if effect.kind == "collapses":
        return Comparison(name, {"of": of}, {"over": over})
    if effect.kind == "above":
        first, second = _matched(plan, [of, over]) if over else (of, over)
        return Comparison(name, {"of": first}, {"over": second})
    if effect.kind == "splits":
        return Comparison(name, _with_partners(plan, of), {})
    sides = [points(plan, of, effect), points(plan, over, effect)]
    if effect.kind == "steeper":
        sides = [{x: side[x] for x in side if all(x in other for other in sides)} for side in sides]
    groups = iter(_matched(plan, [cells for side in sides for cells in side.values()]))
    return Comparison(name, *({x: next(groups) for x in side} for side in sides))


def _enough(effect: Effect, comparison: Comparison) -> bool:
    if effect.kind == "above":
        return all(comparison.over.values())
    return effect.kind == "collapses" or len(comparison.of) >= FEWEST.get(effect.kind, 2)


# ---------------------------------------------------------------------- places on an axis


def is_measured(plan: Plan, effect: Effect) -> bool:
    """Whether the axis is a health metric of the embeddings and no parameter."""
    cells = chain.from_iterable(selected(plan, effect.of, effect.datasets).values())
    return effect.along in _health() and not any(effect.along in plan.flat(cell) for cell in cells)


def points(plan: Plan, cells: list[Cell], effect: Effect) -> Points:
    """Cells by their place: numbers by size, anything else as planned; every configuration where x is measured."""
    if is_measured(plan, effect):
        return _by(cells, [cell.config for cell in cells])
    having = [cell for cell in cells if effect.along in plan.flat(cell)]
    found = _by(having, [plan.flat(cell)[effect.along or ""] for cell in having])
    return dict(sorted(found.items())) if all(is_number(x) for x in found) else found


def _by(cells: list[Cell], places: list[Any]) -> Points:
    found: Points = {}
    for cell, place in zip(cells, places, strict=True):
        found.setdefault(place, []).append(cell)
    return found


def is_number(value: Any) -> bool:
    """Whether a value has a place on a line."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _matched(plan: Plan, groups: list[list[Cell]]) -> list[list[Cell]]:
    """The cells of each group at those settings of the other axes that all groups have; where none is shared, all."""
    names = _shared_axes(plan, groups)
    settings = [[tuple(str(plan.flat(cell)[name]) for name in names) for cell in group] for group in groups]
    common = set(settings[0]).intersection(*settings[1:]) if groups else set()
    if not common:
        return groups
    told = zip(groups, settings, strict=True)
    return [[cell for cell, own in zip(group, places, strict=True) if own in common] for group, places in told]


def _shared_axes(plan: Plan, groups: list[list[Cell]]) -> list[str]:
    """Parameters that every cell has, that vary inside a group, and of which the groups have values in common."""
    flats = [[plan.flat(cell) for cell in group] for group in groups]
    names = set[str]().union(*chain.from_iterable(flats)).intersection(*chain.from_iterable(flats))
    values = {name: [{str(flat[name]) for flat in group} for group in flats] for name in names}
    shared = [n for n, own in values.items() if max(map(len, own)) > 1 and set.intersection(*own)]
    return sorted(shared)


def figure_axis(plan: Plan, effect: Effect) -> str:
    """The axis along which an effect is drawn; empty where there is none."""
    if effect.along or effect.kind != "above" or beside(effect):
        return effect.along or ""
    common: dict[str, int] = {}  # values that all groups have
    for comparison in comparisons(plan, effect):
        groups = [*comparison.of.values(), *comparison.over.values()]
        for name in _shared_axes(plan, groups):
            common[name] = len(set.intersection(*({str(plan.flat(cell)[name]) for cell in group} for group in groups)))
    longest = max(common, key=lambda name: common[name], default="")
    return longest if common.get(longest, 0) > 1 else ""


def alike(plan: Plan, cell: Cell) -> str:
    """What must be equal for two losses to be comparable: all but the encoder and the optimiser."""
    flat = {n: v for n, v in plan.flat(cell).items() if not n.startswith(("encoder.", "train."))}
    return str([cell.method, plan.flat(cell).get("train.batch_size"), *sorted(flat.items(), key=str)])


def _with_partners(plan: Plan, cells: list[Cell]) -> Points:
    """Configurations whose loss can be compared with that of another one."""
    classes = [alike(plan, cells_[0]) for cells_ in _by(cells, [cell.config for cell in cells]).values()]
    kept = [cell for cell in cells if classes.count(alike(plan, cell)) > 1]
    return _by(kept, [cell.config for cell in kept])


# ---------------------------------------------------------------------- what stops it at planning time


def check(plan: Plan) -> None:
    """Unknown names, selections without a cell and axes without points are errors, with file and place."""
    for number, effect in enumerate(plan.spec.effects):
        _check(plan, effect, f"{plan.benchmark}: effects[{number}]")


def _check(plan: Plan, effect: Effect, place: str) -> None:
    needs = NEEDS.get(effect.kind, set())
    for key in ("along", "over"):
        stated = bool(getattr(effect, key))
        if not stated and key in needs:
            raise BenchmarkError(f"{place}: the kind {effect.kind} needs `{key}:`")
        if stated and key not in needs | MAY_HAVE.get(effect.kind, set()):
            raise BenchmarkError(f"{place}.{key}: the kind {effect.kind} takes no `{key}:`")
    for name in effect.datasets:
        one_of(board_name(name), plan.cards, "data set", f"{place}.datasets")
    sides = {"of": effect.of} | ({"over": effect.over} if effect.over else {})
    for key, where in sides.items():
        _check_selection(plan, where, effect.datasets, f"{place}.{key}")
        if effect.along:
            _check_axis(plan, effect, where, place)
    _check_datasets(plan, effect, sides, place)
    chosen = [{c for cells in selected(plan, w, effect.datasets).values() for c in cells} for w in sides.values()]
    if len(chosen) > 1 and chosen[0] & chosen[1]:
        raise BenchmarkError(f"{place}: `of` and `over` share {len(chosen[0] & chosen[1])} cells")
    _check_points(plan, effect, place)


def _check_datasets(plan: Plan, effect: Effect, sides: dict[str, dict[str, Any]], place: str) -> None:
    """Two data sets are compared where each side of `above` names its own, with one metric, and nothing else does."""
    named = [where.get("dataset") for where in sides.values()]
    if not any(named):
        return
    if effect.kind != "above" or not all(named) or effect.along or effect.datasets:
        rule = "`dataset:` stands in `of` and in `over` of the kind above, without `along:` and `datasets:`"
        raise BenchmarkError(f"{place}: {rule}")
    metrics = {plan.cards[str(name)].metric for name in named}
    if len(metrics) > 1 and plan.spec.rank_by.metric == "primary":
        raise BenchmarkError(f"{place}: the data sets have different metrics: {', '.join(sorted(metrics))}")


def _check_selection(plan: Plan, where: dict[str, Any], datasets: list[str], place: str) -> None:
    planned = dict.fromkeys(cell.method for cell in plan.cells)
    if "method" not in where:
        raise BenchmarkError(f"{place}: `method:` is missing; valid: {', '.join(planned)}")
    for name in where["method"] if isinstance(where["method"], list) else [where["method"]]:
        one_of(str(name), planned, "method", f"{place}.method")
    if "dataset" in where:
        one_of(str(where["dataset"]), plan.cards, "data set", f"{place}.dataset")
    same = [c for cells in selected(plan, {"method": where["method"]}, datasets).values() for c in cells]
    for key, wanted in where.items():
        if key not in ("method", "dataset"):
            one_of(key, dict.fromkeys(chain.from_iterable(map(plan.flat, same))), "parameter", place)
            values = dict.fromkeys(str(plan.flat(cell)[key]) for cell in same if key in plan.flat(cell))
            if not any(_equal(plan.flat(cell).get(key), wanted) for cell in same):
                raise BenchmarkError(f"{place}.{key}: no planned cell has {wanted!r}; planned: {', '.join(values)}")
    if not selected(plan, where, datasets):
        there = f" on {', '.join(datasets)}" if datasets else ""
        raise BenchmarkError(f"{place}: no planned cell{there} has all of {where}")


def _check_axis(plan: Plan, effect: Effect, where: dict[str, Any], place: str) -> None:
    """The axis is a parameter of the cells or, where nothing is paired along it, a health metric."""
    cells = chain.from_iterable(selected(plan, where, effect.datasets).values())
    names = dict.fromkeys(chain.from_iterable(map(plan.flat, cells)))
    metrics = _health() if effect.kind in ("rises", "falls", "peaks") else []
    one_of(str(effect.along), [*names, *(m for m in metrics if m not in names)], "axis", f"{place}.along")


def _health() -> list[str]:
    return [name for name, metric in components("metrics").items() if metric.attributes["needs"] == "embeddings"]


def _check_points(plan: Plan, effect: Effect, place: str) -> None:
    found = {comparison.dataset for comparison in comparisons(plan, effect)}
    lacking = [name for name in map(board_name, effect.datasets) if name not in found]
    if found and not lacking:
        return
    of = selected(plan, effect.of, lacking or effect.datasets)
    there = ", ".join(lacking or of)
    if effect.kind == "above":
        raise BenchmarkError(f"{place}: `of` and `over` have no cells on the same data set ({there})")
    if effect.kind == "splits":
        raise BenchmarkError(f"{place}: no two configurations on {there} that differ in encoder or optimiser only")
    most = max(([*points(plan, cells, effect)] for cells in of.values()), key=len, default=[])
    shared = " in `of` and in `over`" if effect.kind == "steeper" else ""
    values = "" if is_measured(plan, effect) else f" ({', '.join(map(str, most))})"
    raise BenchmarkError(
        f"{place}.along: {effect.kind} needs {FEWEST.get(effect.kind, 2)} or more points of {effect.along}{shared} on "
        f"{there}; planned: {len(most)}{values}"
    )
