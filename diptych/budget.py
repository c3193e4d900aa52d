"""Which cells fit a budget: whole rounds, so that what is left compares all methods on the same data sets and seeds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from diptych import catalog, state
from diptych.data.subset import board_name
from diptych.forecast import Amount, Forecast, Key
from diptych.imputers import NONE
from diptych.plan import Cell, Plan
from diptych.records import atomic
from diptych.spec import BenchmarkError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: str) -> float:
    """A duration such as 30m, 2h or 1h30m."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not parts or "".join(map("".join, parts)) != text or not sum(float(n) for n, _ in parts):
        raise BenchmarkError(f"--budget: {text!r} is no duration; write it as 30m, 2h or 1h30m")
    return sum(float(number) * UNITS[unit] for number, unit in parts)


@dataclass(frozen=True)
class Choice:
    """The data sets and seeds that fit; every method and configuration is kept on them."""

    datasets: list[str]
    seeds: list[int]
    cells: list[Cell]
    left_out: list[Cell]
    time: Amount  # of their jobs that are to be done, on one core


@dataclass(frozen=True)
class Costs:
    """What is still to be done for each cell, and what that costs."""

    plan: Plan
    forecast: Forecast
    jobs: dict[Cell, list[Key]]

    @classmethod
    def of(cls, plan: Plan) -> Costs:
        """Every job is looked at once."""
        chains = {cell: state.chain(plan, cell) for cell in plan.cells}
        every = {(job.stage, job.name): job for chain in chains.values() for job in chain}
        todo = {c: [(j.stage, j.name) for j in chain if j.state != "cached"] for c, chain in chains.items()}
        return cls(plan, Forecast.of(plan, every.values()), todo)

    def time(self, cells: Iterable[Cell]) -> Amount:
        """Of the jobs that cells need; shared ones count once."""
        return self.forecast.total("seconds", dict.fromkeys(key for cell in cells for key in self.jobs[cell]))

    def cells(self, datasets: Iterable[str], seeds: Iterable[int]) -> list[Cell]:
        """The cells of a round."""
        kept, drawn = set(datasets), set(seeds)
        return [cell for cell in self.plan.cells if cell.dataset in kept and cell.seed in drawn]

    def choice(self, datasets: list[str], seeds: list[int]) -> Choice:
        """A round of data sets and seeds, and what it leaves out."""
        own = self.cells(datasets, seeds)
        return Choice(datasets, seeds, own, [cell for cell in self.plan.cells if cell not in set(own)], self.time(own))


def choose(costs: Costs, allowed: float) -> Choice:
    """As many seeds as fit on all data sets; where one does not, one seed on as many data sets as fit.

    Data sets come first, because they are what a claim about methods rests on. Where they must be cut, modalities take
    turns, the cheapest data set of each first. What fits is judged by the median of the forecast.
    """
    if costs.forecast.unknown:
        stages = ", ".join(dict.fromkeys(stage for stage, _ in costs.forecast.unknown))
        raise BenchmarkError(f"--budget: too few records like the jobs of {stages} to foresee them; run some first")
    seeds, datasets = list(costs.plan.spec.seeds), list(costs.plan.cards)
    for count in range(len(seeds), 0, -1):
        if (found := costs.choice(datasets, seeds[:count])).time.middle <= allowed:
            return found
    kept: list[str] = []
    for name in _in_turn(costs, seeds[0]):
        if costs.time(costs.cells([*kept, name], seeds[:1])).middle <= allowed:
            kept.append(name)
    return costs.choice([name for name in datasets if name in kept], seeds[:1] if kept else [])


def _in_turn(costs: Costs, seed: int) -> list[str]:
    """The data sets by what one seed costs, modalities in turn."""
    price = {name: costs.time(costs.cells([name], [seed])).middle for name in costs.plan.cards}
    turns: dict[str, int] = {}
    order: list[tuple[int, float, str]] = []
    for name in sorted(price, key=lambda name: price[name]):
        modality = costs.plan.card(name).modality
        turns[modality] = turns.get(modality, 0) + 1
        order.append((turns[modality], price[name], name))
    return [name for _, _, name in sorted(order)]


# ---------------------------------------------------------------------- the benchmark file of a choice


def write(plan: Plan, choice: Choice, file: Path, budget: str) -> None:
    """A benchmark file of the chosen cells, which have the same identity there; an existing file is left alone."""
    if file.exists():
        raise BenchmarkError(f"--write: {file} exists and is left as it is; name another file")
    if not choice.cells:
        raise BenchmarkError("--write: no cell fits, so there is nothing to write")
    content = _cut(plan, choice, file.parent) | {"name": f"{plan.name}-{budget}"}
    text = f"# The cells of {plan.name} that fit {budget}.\n" + yaml.safe_dump(
        content, sort_keys=False, allow_unicode=True
    )
    atomic(file, lambda path: path.write_text(text, encoding="utf-8"))
    if _planned(file, plan) != {cell.path for cell in choice.cells}:
        file.unlink()
        raise BenchmarkError(f"--write: the cells of {plan.name} cannot be cut to this choice by a benchmark file")


def _planned(file: Path, plan: Plan) -> set[str]:
    """The cells of a written file; none where it asks for what was cut, such as an encoder of another data set."""
    try:
        return {cell.path for cell in Plan(str(file), str(plan.root)).cells}
    except BenchmarkError:
        return set()


def _cut(plan: Plan, choice: Choice, folder: Path) -> dict[str, Any]:
    """The benchmark file's content without what the chosen data sets do not have."""
    content = plan.spec.model_dump(mode="json", exclude_unset=True)
    entries = [e for e, name in zip(content["datasets"], plan.cards, strict=True) if name in choice.datasets]
    content |= {"seeds": choice.seeds, "methods": _methods(plan, choice.datasets)}
    content["datasets"] = [e if isinstance(e, str) else _moved(plan, e, folder) for e in entries]
    if plan.spec.registries:
        content["claims"] = [_relative(plan, name, folder) for name in plan.spec.registries]
    if len(choice.datasets) < len(plan.cards):
        content.pop("effects", None)  # they may speak of what is left out
        content = _without_absent(plan, choice, content)
    return content


def _methods(plan: Plan, datasets: list[str]) -> dict[str, Any]:
    """The grids that still run somewhere, limited to the data sets that are left."""
    found: dict[str, Any] = {}
    for method, entries in plan.spec.methods.items():
        for entry, own in zip(entries, plan.grids(method), strict=True):
            if set(plan.runs_on(method, own)) & set(datasets):
                limited = [name for name in entry.get("datasets", ()) if board_name(name) in datasets]
                found.setdefault(method, []).append(entry | ({"datasets": limited} if limited else {}))
    return found


def _without_absent(plan: Plan, choice: Choice, content: dict[str, Any]) -> dict[str, Any]:
    """Damage and imputers that no data set left can meet are no part of a valid file."""
    present, kept = {plan.card(name).modality for name in choice.datasets}, dict(content)
    corruptions, imputers = catalog.components("corruptions"), catalog.components("imputers")
    for key in ("robustness", "pretrain_corruption"):
        asked = content.get(key, {}).items()
        kept[key] = {
            name: levels for name, levels in asked if present & set(corruptions[name].attributes["modalities"])
        }
    if not kept["pretrain_corruption"]:
        kept.pop("pretrain_corruption_at", None)
    fill = {NONE, *(name for name, known in imputers.items() if present & set(known.attributes["modalities"]))}
    return kept | {"impute": [name for name in plan.spec.impute if name in fill]}


def _moved(plan: Plan, entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Own data with paths relative to the new file."""
    ((kind, options),) = entry.items()
    files = {key: _relative(plan, options[key], folder) for key in ("file", "test") if options.get(key)}
    return {kind: options | files}


def _relative(plan: Plan, file: str, folder: Path) -> str:
    return Path(os.path.relpath(plan.benchmark.parent / file, folder)).as_posix()
