"""What `diptych plan` prints of a forecast and of a budget."""

from __future__ import annotations

import argparse
from collections import Counter

from diptych import budget
from diptych.boards.tables import counted
from diptych.budget import Choice, Costs
from diptych.forecast import Amount, Forecast
from diptych.plan import Cell, Plan
from diptych.spec import BenchmarkError
from diptych.state import JobState
from diptych.tools import table

COLUMNS = ["stage", "to do", "time on one core", "largest memory", "disk", "error of one job", "records"]
LARGE = 1024  # megabytes of a gigabyte


def show(plan: Plan, states: list[JobState], options: argparse.Namespace) -> None:
    """The forecast of what is to be done, and with a budget which cells fit."""
    if options.write and not options.budget:
        raise BenchmarkError("--write: needs a --budget")
    if options.cores < 1:
        raise BenchmarkError("--cores: must be 1 or more")
    costs = Costs.of(plan) if options.budget else None
    found = costs.forecast if costs else Forecast.of(plan, states)
    for line in summary(found, options.cores):
        print(line)
    if costs:
        _budget(costs, options)


def summary(found: Forecast, cores: int) -> list[str]:
    """The forecast as lines below a table of its stages."""
    if not found.jobs:
        return ["forecast: nothing is to be done"]
    counts = Counter(stage for stage, _ in found.unknown)
    unknown = ", ".join(f"{count} jobs of {stage}" for stage, count in counts.items())
    if len(found.unknown) == len(found.jobs):
        return [f"forecast: none, since the results folder has too few records of such jobs ({unknown})"]
    table("forecast (95 % intervals)", COLUMNS, [_stage(found, stage) for stage in found.stages])
    time, memory, disk = (found.total(quantity) for quantity in ("seconds", "memory_mb", "disk_mb"))
    lines = [
        f"forecast: {_time(time.over(cores))} on {counted(cores, 'core')}, {_size(disk)} of disk, "
        f"{_size(memory)} for the largest training job",
        f"from {len(found.past)} records; tracking, boards and downloads from elsewhere come on top",
    ]
    return [*lines, f"not in it, for want of records: {unknown}"] if unknown else lines


def _stage(found: Forecast, stage: str) -> list[str]:
    jobs, none = found.of_stage(stage), Amount(0.0, 0.0, 0.0)
    totals = [
        (found.total(quantity, jobs), written)
        for quantity, written in (("seconds", _time), ("memory_mb", _size), ("disk_mb", _size))
    ]
    amounts = ["–" if total == none else written(total) for total, written in totals]
    errors = [f"×{low:.2g} to ×{high:.2g} on a new {level}" for level, (low, high) in found.errors(stage).items()]
    records = str(len(found.fits[stage, "seconds"].past))
    return [stage, str(len(jobs)), *amounts, ", ".join(errors) or "too few records", records]


def _budget(costs: Costs, options: argparse.Namespace) -> None:
    plan, allowed = costs.plan, budget.seconds(options.budget) * options.cores
    choice = budget.choose(costs, allowed)
    for line in chosen(costs, choice, options.budget, options.cores):
        print(line)
    if options.write:
        budget.write(plan, choice, options.write, options.budget)
        print(f"written: {options.write}; run it by: make run BENCHMARK={options.write}")


def chosen(costs: Costs, choice: Choice, asked: str, cores: int) -> list[str]:
    """What fits, and what is left out."""
    plan = costs.plan
    if not choice.cells:
        cheapest = min((costs.time(costs.cells([d], plan.spec.seeds[:1])) for d in plan.cards), key=lambda t: t.middle)
        wall = _time(cheapest.over(cores))
        return [f"budget {asked}: nothing fits; one seed on the cheapest data set takes {wall}"]
    fitting, on = f"{len(choice.cells)} of {len(plan.cells)} cells fit", f"on {counted(cores, 'core')}"
    lines = [
        f"budget {asked} {on}: {fitting}, about {_time(choice.time.over(cores))}",
        f"  seeds     {', '.join(map(str, choice.seeds))}",
        f"  data sets {', '.join(choice.datasets)}",
    ]
    return [*lines, f"  left out  {_left_out(choice.left_out)}"] if choice.left_out else lines


def _left_out(cells: list[Cell]) -> str:
    """Data sets by the seeds that they lose."""
    seeds: dict[str, list[str]] = {}
    for dataset, seed in dict.fromkeys((cell.dataset, str(cell.seed)) for cell in cells):
        seeds.setdefault(dataset, []).append(seed)
    by: dict[str, list[str]] = {}
    for dataset, lost in seeds.items():
        by.setdefault(", ".join(lost), []).append(dataset)
    return f"{len(cells)} cells: " + "; ".join(f"seeds {lost} of {', '.join(names)}" for lost, names in by.items())


def _time(amount: Amount) -> str:
    return _amount(amount, 3600, "h", 60, "min") if amount.high >= 90 else _amount(amount, 60, "min", 1, "s")


def _size(amount: Amount) -> str:
    return _amount(amount, LARGE, "GB", 1, "MB")


def _amount(amount: Amount, large: float, long: str, small: float, short: str) -> str:
    """In the larger unit from two of it on."""
    unit, name = (large, long) if amount.middle >= 2 * large else (small, short)
    return f"{amount.middle / unit:.3g} {name} [{amount.low / unit:.3g}, {amount.high / unit:.3g}]"
