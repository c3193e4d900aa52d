"""The grammar of a benchmark file: a schema, and errors that name the place and the valid choices."""

import difflib
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from diptych.data.card import Card

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)]
Severity = Annotated[float, Field(ge=0, lt=1)]
SAME_ENCODER = ("random", "supervised")  # controls that stand beside every encoder in use
CONTROLS = ("raw", "random", "pca", "supervised")


class BenchmarkError(ValueError):
    """A benchmark file that cannot be planned; the message names the place and what is allowed."""


def _grids(value: Any) -> Any:
    """One grid is a list of one; nothing at all is the grid without axes."""
    if value is None or isinstance(value, dict):
        return [value or {}]
    if isinstance(value, list) and value:
        return value
    allowed = "a grid (parameter: value or list of values) or a list of such grids"
    found = {"allowed": allowed, "found": repr(value)}
    raise PydanticCustomError("grids", "{allowed} was expected, not {found}", found)


def _encoder(entry: Any) -> Any:
    return {"name": entry} if isinstance(entry, str) else entry


EncoderEntry = Annotated[
    dict[str, Any], BeforeValidator(_encoder, json_schema_input_type=str | dict[str, Any])
]  # always as a mapping with a name
Grids = Annotated[
    list[dict[str, Any]],
    BeforeValidator(_grids, json_schema_input_type=dict[str, Any] | list[dict[str, Any]] | None),
]


class Strict(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(Strict):
    """What one job may use; beyond it the cell's status is timeout or oom."""

    minutes: int = Field(60, ge=1, description="wall-clock minutes of one job")
    memory_mb: int = Field(8000, ge=200, description="resident memory of one job in MB")


class RankBy(Strict):
    """The score by which boards rank."""

    probe: str = Field("linear", description="a probe of this benchmark")
    metric: str = Field("primary", description="a metric, or `primary`: the one on each data set's card")

    def on(self, card: Card) -> str:
        """The metric on a data set."""
        return card.metric if self.metric == "primary" else self.metric


class Effect(Strict):
    """A published effect that a benchmark is to show, or to fail to show; judged on the board, over seeds."""

    claim: str = Field(
        pattern=r"^\S[^\r\n]*$", max_length=300, description="one line: what was found, by whom, and where it stands"
    )
    kind: Literal["rises", "falls", "peaks", "above", "steeper", "collapses", "splits"] = Field(
        description="rises, falls: the score at the last point of `along` against the first; peaks: the best point "
        "inside against the better end; above: `of` against `over`; steeper: the rise of `of` against that of `over`; "
        "collapses: every cell of `of`, and none of `over`; splits: configurations of `of` that differ in encoder or "
        "optimiser only, with equal loss and unequal scores"
    )
    of: dict[str, Any] = Field(
        description="cells: `method`, and flat parameters that must match, e.g. {method: byol, predict: false}; "
        "a list admits any of its values; `dataset`, in `of` and in `over` of above, compares two data sets"
    )
    along: str | None = Field(
        None, description="an axis: a parameter, e.g. train.batch_size, or a health metric, e.g. shared_information"
    )
    over: dict[str, Any] | None = Field(
        None, description="cells to compare with; of collapses: the other cells of the same methods where left out"
    )
    datasets: list[str] = Field([], description="data sets of this file; default: all on which there is a comparison")


class Benchmark(Strict):
    """What is measured, on what, and how often."""

    name: Name = Field(description="names the folder of the boards and the MLflow experiment")
    description: str = Field("", description="one sentence for the report")
    datasets: list[str | dict[Literal["csv", "series"], dict[str, Any]]] = Field(
        min_length=1,
        description="names of data sets, `name@rows` for a subset of the training rows, "
        "or own data as `csv: {file, target, …}` / `series: {file, …}`",
    )
    methods: dict[str, Grids] = Field(
        description="method -> grid, or a list of grids: their union. A list in a grid is an axis; `view.x`, "
        "`encoder.x` and `train.x` reach the view, the encoder and the recipe; `datasets: [...]` limits a grid to some "
        "data sets; `pretrain_on: [...]` takes the encoders from other data sets of the file"
    )
    controls: list[str] = Field(list(CONTROLS), description="rows that stand beside the methods on every data set")
    seeds: list[Annotated[int, Field(ge=0, lt=2**31)]] = Field([0], min_length=1, description="one cell per seed")
    train: dict[str, Any] = Field(
        {}, description="overrides every trained method's recipe, e.g. {epochs: 2}; leave it out for the papers' own"
    )
    encoders: dict[str, EncoderEntry] = Field(
        {}, description="modality -> encoder in place of the usual one, or {name, and its settings}"
    )
    rows: int | None = Field(None, ge=4, description="cap on training rows (and on test rows) of each data set")
    probes: list[str] = Field(["linear"], min_length=1, description="fitted on train, tuned by folds, scored on test")
    robustness: dict[str, list[Severity]] = Field({}, description="corruption -> severities, at probe time")
    pretrain_corruption: dict[str, list[Severity]] = Field(
        {}, description="corruption -> severities put on train and test before pretraining; 0 is the clean cell"
    )
    pretrain_corruption_at: list[Literal["both", "pretraining"]] = Field(
        ["both"], min_length=1, description="both: pretrained and probed on the damaged data; pretraining: the encoder "
        "of damaged data embeds undamaged data, on which it is probed"
    )  # fmt: skip
    impute: list[str] = Field(
        ["none"], min_length=1, description="an axis of cells: imputers that fill what is missing (after the damage "
        "before pretraining, and after damage at probe time); none: the method meets it by itself"
    )  # fmt: skip
    rank_by: RankBy = Field(RankBy(probe="linear", metric="primary"), description="the score by which boards rank")
    limits: Limits = Field(Limits(minutes=60, memory_mb=8000), description="time and memory of one job")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: cuda where there is one")
    mirror: str | None = Field(None, description="folder of mirrored data files; DIPTYCH_MIRROR overrides it")
    tracking_uri: str | None = Field(None, description="MLflow store; default sqlite in the results folder")
    claims: str | list[str] | None = Field(
        None, description="file of published numbers to compare with, beside this file, or a list of such files"
    )
    effects: list[Effect] = Field(
        [], description="published effects, e.g. {claim, kind: rises, of: {method: simclr}, along: train.batch_size}"
    )

    ladder: list[Name] = Field(
        [], description="names of cheaper or dearer benchmarks of the same results folder; the report shows how far "
        "their rankings agree with this one, as they stood when it was made"
    )  # fmt: skip

    @property
    def registries(self) -> list[str]:
        """The files of published numbers."""
        return [self.claims] if isinstance(self.claims, str) else self.claims or []


class _Loader(yaml.SafeLoader):
    """YAML 1.2 floats (1e-3 is a number), and duplicate keys are errors instead of silently the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        merge = "tag:yaml.org,2002:merge"
        keys = [self.construct_object(key, deep=True) for key, _ in node.value if key.tag != merge]
        for key in keys:
            if keys.count(key) > 1:
                raise BenchmarkError(f"line {node.start_mark.line + 1}: the key {key!r} stands twice")
        return dict(super().construct_mapping(node, deep))


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


def read(path: Path | str) -> Benchmark:
    """A validated benchmark file; raises BenchmarkError with the file, the place and the valid choices."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.load(text, Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise BenchmarkError(f"{path}: cannot be read: {error}") from error
    except (yaml.YAMLError, BenchmarkError, RecursionError) as error:
        raise BenchmarkError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise BenchmarkError(f"{path}: a mapping of {', '.join(Benchmark.model_fields)} was expected")
    try:
        _finite(content, path)
    except RecursionError as error:
        raise BenchmarkError(f"{path}: nested too deeply, or an anchor that contains itself") from error
    try:
        return Benchmark.model_validate(content)
    except ValidationError as error:
        raise BenchmarkError(_explain(error, path, text)) from error


def one_of(value: str, allowed: Iterable[str], what: str, place: str) -> None:
    """Raise unless `value` is allowed, with the nearest names first."""
    allowed = list(allowed)
    if value not in allowed:
        near = difflib.get_close_matches(value, allowed, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise BenchmarkError(f"{place}: unknown {what} {value!r}{hint}; valid: {', '.join(allowed) or 'none'}")


def _finite(content: Any, path: Path) -> None:
    parts = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    for part in parts:
        _finite(part, path)
    if isinstance(content, float) and not math.isfinite(content):
        raise BenchmarkError(f"{path}: {content} is not a usable number")


def _explain(error: ValidationError, path: Path, text: str) -> str:
    lines = []
    for fault in error.errors():
        keys = [str(part) for part in fault["loc"]]
        message = fault["msg"]
        if fault["type"] == "extra_forbidden":
            valid = list(_valid_keys(keys))
            near = difflib.get_close_matches(keys[-1], valid, n=1)
            message = f"unknown key{f' (did you mean {near[0]}?)' if near else ''}; valid: {', '.join(valid)}"
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in fault["loc"]).removeprefix(".")
        lines.append(f"{path}{line_of(text, keys)}: {place}: {message}")
    return "\n".join(lines)


def _valid_keys(place: list[str]) -> Iterable[str]:
    """The keys that are valid where an unknown one stands."""
    inner: dict[str, type[BaseModel]] = {"limits": Limits, "rank_by": RankBy, "effects": Effect}
    return (inner[place[0]] if len(place) > 1 and place[0] in inner else Benchmark).model_fields


def line_of(text: str, keys: list[str]) -> str:
    """`:12` for the line of a nested key, as far as the path can be followed."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = None
    for key in keys:
        if isinstance(node, yaml.SequenceNode) and key.isdigit() and int(key) < len(node.value):
            node = node.value[int(key)]
            line = node.start_mark.line + 1
            continue
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((k, v) for k, v in pairs if k.value == key), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return f":{line}" if line else ""
