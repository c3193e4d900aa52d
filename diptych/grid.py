"""From a method's grid in a benchmark file to complete settings, checked against the signatures."""

import difflib
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Literal, Optional

from pydantic import TypeAdapter, ValidationError

from diptych.catalog import ENCODERS, Parameter, components, recipe_parameters, towers
from diptych.data.card import Card
from diptych.data.subset import board_name
from diptych.fingerprint import digest
from diptych.spec import Benchmark, BenchmarkError, one_of

PRETRAIN_ON = "pretrain_on"  # the key of an entry that names where encoders come from
BUDGETS = ("epochs", "steps", "samples")
POSITIVE = ("lr", "batch_size", "per_class", *BUDGETS)
CHOICES = ("view.name", "encoder.name")
SHARES = ("validation", "warmup")
PROBABILITIES = ("rate", "mask_rate", "dropout")
TYPES = {"Literal": Literal, "Optional": Optional, "Any": Any}


@dataclass(frozen=True)
class Config:
    """A method with every setting fixed: what shapes the encoder, apart from data and seed."""

    method: str
    settings: dict[str, Any]  # {"method": …, "view": {"name", …}, "encoder": {"name", …}, "recipe": …}
    flat: dict[str, Any]  # the same as flat parameters: temperature, view.rate, encoder.dim, train.lr
    source: str = ""  # the data set of the encoder where that is another one

    @property
    def id(self) -> str:
        """8 hex digits over all settings."""
        return digest([self.method, self.settings, *([self.source] if self.source else [])])

    def pretrained_on(self, source: str, dataset: str) -> "Config":
        """The same on a data set with the encoder of another one; itself where both are one."""
        return self if source == dataset else replace(self, source=source, flat=self.flat | {PRETRAIN_ON: source})


@dataclass(frozen=True)
class Grid:
    """One grid of a method in a benchmark file."""

    axes: dict[str, Any]
    datasets: list[str]  # that it is limited to; none: all that the method can run on
    place: str
    sources: list[str] = field(default_factory=list)  # where encoders come from; none: each data set has its own

    @classmethod
    def of(cls, entry: dict[str, Any], place: str) -> "Grid":
        """The axes apart from `datasets:` and `pretrain_on:`."""
        datasets, sources = (_datasets(entry, key, place) for key in ("datasets", PRETRAIN_ON))
        axes = {key: value for key, value in entry.items() if key not in ("datasets", PRETRAIN_ON)}
        return cls(axes, datasets, place, sources)


def _datasets(entry: dict[str, Any], key: str, place: str) -> list[str]:
    """The data sets that an entry names under a key, as boards call them; none where it has no such key."""
    asked = [entry[key]] if key == PRETRAIN_ON and isinstance(entry.get(key), str) else entry.get(key, [])
    listed = isinstance(asked, list) and all(isinstance(name, str) for name in asked)
    if not listed or (key in entry and not asked):
        raise BenchmarkError(f"{place}.{key}: a list of data set names was expected")
    return [board_name(name) for name in asked]


@dataclass(frozen=True)
class Parts:
    """The view and the encoder(s) that a method is built with on a modality."""

    method: str
    modality: str
    view: str
    encoders: dict[str, str]  # tower -> encoder
    sizes: dict[str, dict[str, Any]]  # encoder -> settings that the benchmark gives it

    def __str__(self) -> str:
        return f"{self.method} on {self.modality}"


def configs(method: str, modality: str, grid: Grid, benchmark: Benchmark) -> list[Config]:
    """Every point of the grid on a modality; the benchmark's defaults and the signature's fill the rest."""
    _one_budget([key for key in BUDGETS if f"train.{key}" in grid.axes], grid.place)
    rest = {key: value for key, value in grid.axes.items() if key not in CHOICES}
    found = [
        _config(parts, point, benchmark.train)
        for parts in _parts(_usual_parts(method, modality, benchmark.encoders), grid.axes, grid.place)
        for point in _points(parts, rest, grid.place)
    ]
    for config in found:
        _check_classes(config, grid.place)
        if grid.sources:
            _check_transfer(config, grid.place)
    return found


def _usual_parts(method: str, modality: str, encoders: dict[str, dict[str, Any]]) -> Parts:
    """The method's own view; its own encoder where the usual one cannot serve, else the benchmark's, else ours."""
    own = components("methods")[method].attributes
    chosen = ENCODERS | {m: entry["name"] for m, entry in encoders.items()} | own["encoders"]
    sizes = {entry["name"]: {k: v for k, v in entry.items() if k != "name"} for entry in encoders.values()}
    return Parts(method, modality, str(own["modalities"][modality]), {t: chosen[t] for t in towers(modality)}, sizes)


def _parts(usual: Parts, grid: dict[str, Any], place: str) -> list[Parts]:
    """Every choice of view and encoder that the grid asks for."""
    views, encoders = (_names(grid.get(key), f"{place}.{key}") for key in CHOICES)
    return [
        replace(
            usual, view=_other_view(usual, view, place), encoders=usual.encoders | _other_encoder(usual, name, place)
        )
        for view, name in product(views, encoders)
    ]


def can_run(method: str, card: Card, axes: dict[str, Any]) -> bool:
    """Whether a method can run on a data set with all views that its axes name."""
    able = card.modality in components("methods")[method].attributes["modalities"]
    return able and needs(method, card.modality, axes) <= card.has


def needs(method: str, modality: str, axes: dict[str, Any]) -> frozenset[str]:
    """What a data set must have for a method and the views that its axes name, or its own view."""
    own = components("methods")[method].attributes
    views = [name or own["modalities"][modality] for name in _names(axes.get("view.name"), "view.name")]
    known = [components("views")[view].attributes for view in views if view in components("views")]
    return frozenset(own["needs"]).union(*(view.get("needs", ()) for view in known))


def _names(value: Any, place: str) -> list[str]:
    """The names on an axis; one empty name where there is no axis."""
    names = value if isinstance(value, list) else [value or ""]
    if not all(isinstance(name, str) for name in names):
        raise BenchmarkError(f"{place}: a name or a list of names was expected, not {value!r}")
    return names


def _other_view(usual: Parts, name: str, place: str) -> str:
    """A view that can take the place of the method's own: of the same modality, returning the same."""
    known = components("views")
    returns = known[usual.view].attributes["returns"]
    able = [n for n, v in known.items() if usual.modality in v.attributes["modalities"]]
    if name:
        one_of(
            name, [n for n in able if known[n].attributes["returns"] == returns], "view", f"{place}.view.name: {usual}"
        )
    return name or usual.view


def _other_encoder(usual: Parts, name: str, place: str) -> dict[str, str]:
    """The tower that an encoder's modality names, with that encoder."""
    known = components("encoders")
    able = {n: str(e.attributes["modality"]) for n, e in known.items() if e.attributes["modality"] in usual.encoders}
    if name:
        one_of(name, able, "encoder", f"{place}.encoder.name: {usual}")
    return {able[name]: name} if name else {}


def _points(parts: Parts, grid: dict[str, Any], place: str) -> list[dict[str, Any]]:
    """Every combination of the axes' values, each as the type that its parameter has."""
    allowed = parameters(parts)
    for key in grid:
        _check_key(parts, key, allowed, place)
    axes = [
        [_checked(f"{place}.{key}", key, point, allowed[key]) for point in _axis(value, allowed[key])]
        for key, value in grid.items()
    ]
    points = [dict(zip(grid, point, strict=True)) for point in product(*axes)]
    for point in points:
        _check_heads(parts, point, place)
    return points


def check_train(train: dict[str, Any], place: str) -> None:
    """The benchmark's `train:` holds recipe fields with one value each."""
    known = recipe_parameters()
    for key, value in train.items():
        if key not in known:
            raise BenchmarkError(f"{place}: no setting {key!r}; valid: {', '.join(known)}")
        _checked(f"{place}.{key}", key, value, known[key])
    _one_budget([key for key in BUDGETS if train.get(key) is not None], place)


def check_encoder(modality: str, entry: dict[str, Any], place: str) -> None:
    """The benchmark's encoder of a modality: a known one, and settings that it has."""
    one_of(modality, ENCODERS, "modality", place.rpartition(".")[0])
    known = {n: e for n, e in components("encoders").items() if e.attributes["modality"] == modality}
    if not isinstance(entry.get("name"), str):
        raise BenchmarkError(f"{place}: an encoder has a name: one of {', '.join(known)}")
    one_of(entry["name"], known, "encoder", place)
    settings = known[entry["name"]].parameters
    for key, value in entry.items():
        if key != "name":
            one_of(key, settings, f"setting of {entry['name']}", place)
            _checked(f"{place}.{key}", f"encoder.{key}", value, settings[key])


def _one_budget(given: list[str], place: str) -> None:
    if len(given) > 1:
        raise BenchmarkError(f"{place}: one budget at a time, not {' and '.join(given)}")


def parameters(parts: Parts) -> dict[str, Parameter]:
    """Every axis a method has with these parts, under the name a grid uses."""
    found = dict(components("methods")[parts.method].parameters)
    found |= {f"view.{name}": p for name, p in components("views")[parts.view].parameters.items()}
    for encoder in parts.encoders.values():
        found |= {f"encoder.{name}": p for name, p in components("encoders")[encoder].parameters.items()}
    return found | {f"train.{name}": p for name, p in recipe_parameters().items()}


def recipe(method: str, train: dict[str, Any]) -> dict[str, Any]:
    """The paper's recipe under the overrides; an untrained method stays untrained."""
    paper = components("methods")[method].attributes["recipe"]
    known = recipe_parameters()
    settings: dict[str, Any] = {name: p.default for name, p in known.items()} | paper
    if paper.get("steps") == 0:
        return settings
    if any(train.get(key) is not None for key in BUDGETS):
        settings |= dict.fromkeys(BUDGETS)
    return settings | {name: _checked(f"train.{name}", name, value, known[name]) for name, value in train.items()}


def _config(parts: Parts, point: dict[str, Any], train: dict[str, Any]) -> Config:
    own = components("methods")[parts.method]
    asked = _under(point, "train.")
    # A budget of the method's own replaces the benchmark's, whatever their units.
    training = {k: v for k, v in train.items() if k not in BUDGETS or not asked.keys() & set(BUDGETS)} | asked
    settings = {
        "method": {n: point.get(n, p.default) for n, p in own.parameters.items()},
        "view": {"name": parts.view} | _chosen("views", parts.view, _under(point, "view.")),
        "encoder": _encoder(parts, _under(point, "encoder.")),
        "recipe": recipe(parts.method, training),
    }
    return Config(parts.method, settings, flattened(settings))


def _encoder(parts: Parts, point: dict[str, Any]) -> dict[str, Any]:
    built = {
        tower: {"name": name} | _chosen("encoders", name, parts.sizes.get(name, {}) | point)
        for tower, name in parts.encoders.items()
    }
    return built if len(built) > 1 else built[parts.modality]


def _chosen(kind: str, name: str, point: dict[str, Any]) -> dict[str, Any]:
    return {n: point.get(n, p.default) for n, p in components(kind)[name].parameters.items()}


def _under(point: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in point.items() if key.startswith(prefix)}


def flattened(settings: dict[str, Any]) -> dict[str, Any]:
    """All settings of a configuration as flat parameters: temperature, view.rate, encoder.dim, train.lr."""
    flat = dict(settings["method"])
    for part, prefix in (("view", "view"), ("encoder", "encoder"), ("recipe", "train")):
        flat |= nested(settings[part], prefix)
    return {key: value for key, value in flat.items() if value is not None}


def nested(settings: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Settings as flat parameters under a prefix."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= nested(value, f"{prefix}.{key}") if isinstance(value, dict) else {f"{prefix}.{key}": value}
    return flat


def _axis(value: Any, parameter: Parameter) -> list[Any]:
    """A list is an axis; for a parameter that is itself a sequence only a list of lists is one."""
    sequence = isinstance(parameter.default, tuple | list)
    if isinstance(value, list) and (not sequence or all(isinstance(part, list) for part in value)):
        return value
    return [value]


def _check_key(parts: Parts, key: str, allowed: dict[str, Parameter], place: str) -> None:
    if key not in allowed:
        near = difflib.get_close_matches(key, allowed, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise BenchmarkError(f"{place}: {parts} has no parameter {key}{hint}; it has {', '.join([*allowed, *CHOICES])}")
    if key.startswith("train.") and components("methods")[parts.method].attributes["recipe"].get("steps") == 0:
        raise BenchmarkError(f"{place}.{key}: {parts.method} is not trained, so no setting of training can change it")


def _check_heads(parts: Parts, point: dict[str, Any], place: str) -> None:
    """Attention shares a dimension out among its heads."""
    for name in parts.encoders.values():
        encoder = _chosen("encoders", name, parts.sizes.get(name, {}) | _under(point, "encoder."))
        dim, heads = encoder.get("dim", 0), encoder.get("heads", 1)
        if dim % heads:
            raise BenchmarkError(
                f"{place}: {parts}: encoder.dim {dim} is not a multiple of the {heads} heads of {name}"
            )


def _check_classes(config: Config, place: str) -> None:
    """The rows of one class fit into a batch, and a method that learns from pairs of one class gets them."""
    asked, size = config.settings["recipe"]["per_class"], config.settings["recipe"]["batch_size"]
    paper = components("methods")[config.method].attributes["recipe"].get("per_class", 1)
    where = f"{place}: train.per_class {asked} of {config.method}"
    if asked > size:
        raise BenchmarkError(f"{where}: a batch has {size} rows; it must be from 1 to train.batch_size")
    if asked == 1 < paper:
        raise BenchmarkError(f"{where}: the method needs rows of one class in a batch; it must be 2 or more")


def _check_transfer(config: Config, place: str) -> None:
    """An encoder that comes from other data must be able to read these."""
    known, own = components("encoders"), config.settings["encoder"]
    able = [name for name, encoder in known.items() if encoder.attributes.get("transfers")]
    if own.get("name") not in able:
        used = own.get("name") or " and ".join(tower["name"] for tower in own.values())
        raise BenchmarkError(
            f"{place}.{PRETRAIN_ON}: {used}, the encoder of {config.method}, reads the data it was trained on and no "
            f"other; those that read others: {', '.join(able)}"
        )


def _checked(place: str, key: str, value: Any, parameter: Parameter) -> Any:
    """The value, as the annotation of the constructor wants it: a whole number given for a float becomes one."""
    try:
        value = TypeAdapter(eval(parameter.annotation, {"__builtins__": {}}, TYPES | _builtins())).validate_python(
            tuple(value) if isinstance(value, list) else value, strict=True
        )
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise BenchmarkError(f"{place}: {value!r} is not a {parameter.annotation}: {problem}") from error
    _check_range(place, key.removeprefix("train."), value)
    return value


def _check_range(place: str, name: str, value: Any) -> None:
    if name in SHARES and not 0 <= value < 1:
        raise BenchmarkError(f"{place}: {value!r} is out of range; {name} is a share, from 0 to below 1")
    if name.rpartition(".")[2] in PROBABILITIES and not 0 <= value <= 1:
        raise BenchmarkError(f"{place}: {value!r} is out of range; {name} is a probability, from 0 to 1")
    if name.startswith("encoder.") and type(value) is int and value < 1:  # True and False are no sizes
        raise BenchmarkError(f"{place}: {value!r} is out of range; a size must be at least 1")
    number = value if isinstance(value, int | float) else 0
    if (name in POSITIVE and value is not None and number <= 0) or (name in recipe_parameters() and number < 0):
        raise BenchmarkError(
            f"{place}: {value!r} is out of range; {name} must be {'> 0' if name in POSITIVE else '≥ 0'}"
        )


def _builtins() -> dict[str, Any]:
    return {kind.__name__: kind for kind in (int, float, str, bool, tuple, list)}
