"""What a benchmark file must not ask for: unknown names, impossible pairs, severities out of range."""

from typing import TYPE_CHECKING, Any

from diptych import catalog, grid, spec
from diptych.data.card import NEEDS
from diptych.imputers import NONE
from diptych.spec import BenchmarkError

if TYPE_CHECKING:
    from diptych.plan import Plan


def check(plan: "Plan") -> None:
    """Unknown names and impossible choices stop the dry run, with the place and the valid choices."""
    place = str(plan.benchmark)
    for name in plan.spec.methods:
        spec.one_of(name, catalog.components("methods"), "method", f"{place}: methods")
    for name in plan.spec.controls:
        spec.one_of(name, spec.CONTROLS, "control", f"{place}: controls")
    for name in plan.spec.probes:
        spec.one_of(name, catalog.components("probes"), "probe", f"{place}: probes")
    if not plan.probes:
        raise BenchmarkError(f"{place}: probes: {catalog.FINE_TUNED} needs a frozen probe beside it, e.g. linear")
    spec.one_of(plan.spec.rank_by.probe, plan.spec.probes, "probe", f"{place}: rank_by.probe")
    metrics = ["primary", *_scored_by(plan.spec.rank_by.probe)]
    spec.one_of(plan.spec.rank_by.metric, metrics, "metric", f"{place}: rank_by.metric")
    for card in plan.cards.values():
        spec.one_of(card.metric, metrics[1:], "metric", f"{place}: datasets: {card.name}")
    grid.check_train(plan.spec.train, f"{place}: train")
    for modality, entry in plan.spec.encoders.items():
        grid.check_encoder(modality, entry, f"{place}: encoders.{modality}")
    for key in ("seeds", "probes", "controls", "pretrain_corruption_at", "impute", "ladder"):
        unique(getattr(plan.spec, key), f"{place}: {key}")
    for key in ("robustness", "pretrain_corruption"):
        _corruptions(plan, getattr(plan.spec, key), f"{place}: {key}")
    if "pretraining" in plan.spec.pretrain_corruption_at and not any(map(any, plan.spec.pretrain_corruption.values())):
        raise BenchmarkError(f"{place}: pretrain_corruption_at: pretrain_corruption asks for no damage above 0")
    _imputers(plan, f"{place}: impute")
    _pairs(plan, place)
    for name in plan.spec.registries:
        if not (plan.benchmark.parent / name).is_file():
            raise BenchmarkError(f"{place}: claims: no file {name} beside the benchmark file")


def _scored_by(probe: str) -> list[str]:
    """The metrics that a probe's predictions have."""
    needs = {"labels", "scores"} | (
        {"probabilities"} if catalog.components("probes")[probe].attributes["probabilities"] else set()
    )
    return [name for name, metric in catalog.components("metrics").items() if metric.attributes["needs"] in needs]


def _corruptions(plan: "Plan", asked: dict[str, list[float]], place: str) -> None:
    known = catalog.components("corruptions")
    present = {card.modality for card in plan.cards.values()}
    for name, severities in asked.items():
        spec.one_of(name, known, "corruption", place)
        attributes = known[name].attributes
        low, high = attributes.get("bounds", (0.0, 0.95))
        unique([f"{severity:g}" for severity in severities], f"{place}.{name}")
        if bad := [s for s in severities if not low <= s <= high]:
            raise BenchmarkError(f"{place}.{name}: severity {bad[0]} is outside [{low}, {high}]")
        if not present & set(attributes["modalities"]):
            raise BenchmarkError(f"{place}.{name}: damages {', '.join(attributes['modalities'])}, but no data set is")
        if place.endswith("pretrain_corruption") and attributes["target"] != "input":
            raise BenchmarkError(f"{place}.{name}: only corruptions of inputs can precede pretraining")


def _imputers(plan: "Plan", place: str) -> None:
    known = catalog.components("imputers")
    present = {card.modality for card in plan.cards.values()}
    for name in plan.spec.impute:
        spec.one_of(name, [NONE, *known], "imputer", place)
        fills = known[name].attributes["modalities"] if name != NONE else present
        if not present & set(fills):
            raise BenchmarkError(f"{place}: {name} fills {', '.join(fills)}, but no data set is")


def _pairs(plan: "Plan", place: str) -> None:
    """A method without a data set, a data set without a method, and a pair that cannot be: all are errors."""
    grids = [(method, own) for method in plan.spec.methods for own in plan.grids(method)]
    for method, own in grids:
        _datasets(plan, method, own)
    served = {name for method, own in grids for name in plan.runs_on(method, own)}
    for name, card in plan.cards.items():
        if grids and name not in served:
            methods = [method for method in catalog.components("methods") if grid.can_run(method, card, {})]
            problem = f"no method of this file runs on {name} ({card.modality}); those that do: {', '.join(methods)}"
            raise BenchmarkError(f"{place}: datasets: {problem}")


def _datasets(plan: "Plan", method: str, own: grid.Grid) -> None:
    """A grid is limited to data sets that the file names and its method can run on; it has at least one."""
    unique(own.datasets, f"{own.place}.datasets")
    for name in own.datasets:
        spec.one_of(name, plan.cards, "data set", f"{own.place}.datasets")
        card = plan.cards[name]
        if not grid.can_run(method, card, own.axes):
            problem = f"{method} cannot run on {name} ({card.modality}); it runs on {_on(method, own)}"
            raise BenchmarkError(f"{own.place}.datasets: {problem}")
    _sources(plan, method, own, f"{own.place}.{grid.PRETRAIN_ON}")
    if not plan.runs_on(method, own):
        found = ", ".join(f"{c.name} ({c.modality})" for c in plan.cards.values())
        raise BenchmarkError(f"{own.place}: runs on {_on(method, own)}, the data sets are {found}")


def _sources(plan: "Plan", method: str, own: grid.Grid, place: str) -> None:
    """Encoders come from data sets of the file that the method can run on, of the modality of those that they read."""
    unique(own.sources, place)
    read = [plan.cards[target] for target in plan.runs_on(method, own)]
    for name in own.sources:
        spec.one_of(name, plan.cards, "data set", place)
        source = plan.cards[name]
        if other := [card for card in read if card.modality != source.modality]:
            problem = f"{name} is {source.modality}, {other[0].name} is {other[0].modality}"
            raise BenchmarkError(f"{place}: {problem}")
        if not grid.can_run(method, source, own.axes):
            raise BenchmarkError(f"{place}: {method} cannot run on {name}")


def _on(method: str, own: grid.Grid) -> str:
    """The modalities that a method runs on, and what data sets must have besides."""
    modalities = catalog.components("methods")[method].attributes["modalities"]
    needed = set().union(*(grid.needs(method, modality, own.axes) for modality in modalities))
    return ", ".join(modalities) + (f" with {' and '.join(NEEDS[need] for need in sorted(needed))}" if needed else "")


def unique(values: list[Any], place: str) -> None:
    """Raise for values that stand twice."""
    if repeated := {str(v) for v in values if values.count(v) > 1}:
        raise BenchmarkError(f"{place}: {', '.join(sorted(repeated))} stands twice")
