"""Published numbers, and whether what was measured here agrees with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from diptych.stats import Summary, summarise

if TYPE_CHECKING:
    import pandas as pd

INSIDE_SDS = 2.0  # of the seeds: a claim this close to the measured mean is inside the spread
NOT_HERE = "not reproducible here: data"
AGREEING = ["method", "probe", "metric", "condition", "kind"]  # what the mean differences are taken over data sets of


class ClaimsError(ValueError):
    """A registry of published numbers that cannot be used; the message names the file and the place."""


class _Published(BaseModel):
    """A method, and where its numbers stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    source: str = Field(min_length=1, description="where it stands, so that a reader can find it")
    mark: Literal["read", "recalled"] = Field(description="read in `file`, or remembered and not re-read")
    file: str = Field("", description="the file in which a `read` number was read")

    @model_validator(mode="after")
    def _found(self) -> Self:
        if self.mark == "read" and not self.file:
            raise ValueError("a number marked `read` names its `file`")
        return self


class Elsewhere(_Published):
    """Published numbers on data that this suite lacks: shown in a list of their own, never compared."""

    data: str = Field(min_length=1, description="the paper's data set, and how it was scored")
    values: dict[str, float] = Field({}, description="metric: number; empty where none was re-read")
    closest: str = Field(min_length=1, description="the nearest protocol that can be run here")


class Claim(_Published):
    """The published numbers of one method on one data set from one source."""

    dataset: str
    probe: str
    condition: str = Field("", description="corruption before pretraining, e.g. missing_time-0.2; empty: clean")
    settings: dict[str, Any] = Field({}, description="flat parameters that single out a point of a grid")
    values: dict[str, float | tuple[float, float]] = Field(min_length=1, description="metric: number or [low, high]")
    kind: Literal["published", "rerun", "reimplemented"] = Field(
        description="by the authors; the official code run again by others; a suite's own code"
    )
    differences: str = Field("", description="how that protocol differs from the one measured here")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for metric, value in self.values.items():
            low, high = value if isinstance(value, tuple) else (value, value)
            if not low <= high:
                raise ValueError(f"{metric}: a range is [low, high], not [{low}, {high}]")
        return self


class Registry(BaseModel):
    """A file of published numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claims: tuple[Claim, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = Field((), description=NOT_HERE)

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if not self.claims and not self.elsewhere:
            raise ValueError("no `claims:` and no `elsewhere:`")
        return self


def load(path: Path | str) -> Registry:
    """The published numbers of a registry file; raises ClaimsError with the file and the place."""
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        return Registry.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ClaimsError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        places = [f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors()]
        raise ClaimsError(f"{path}: " + "; ".join(places)) from error


def compare(claims: tuple[Claim, ...], scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Claimed against measured; `scores` holds clean probe rows of the ranked embedding with `settings` dicts."""
    return [_compared(claim, metric, scores) for claim in claims for metric in claim.values]


def agreement(compared: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean |difference| and mean difference over data sets, by method and kind; the claims of a data set are averaged.

    Of claims that count, were measured and have one configuration.
    """
    import pandas as pd

    clear = [c for c in compared if c["counts"] and c["seeds"] and not c["verdict"].startswith("ambiguous")]
    if not clear:
        return []
    table = pd.DataFrame(clear).assign(absolute=lambda t: t["difference"].abs())
    by_dataset = table.groupby([*AGREEING, "dataset"], sort=False)[["difference", "absolute"]].mean()
    means = by_dataset.groupby(AGREEING, sort=False).agg(
        datasets=("difference", "size"), absolute=("absolute", "mean"), difference=("difference", "mean")
    )
    return [{str(name): value for name, value in line.items()} for line in means.reset_index().to_dict("records")]


def _compared(claim: Claim, metric: str, scores: pd.DataFrame) -> dict[str, Any]:
    same = scores[scores["metric"] == metric]
    for column in ("dataset", "method", "condition", "probe"):
        same = same[same[column] == getattr(claim, column)]
    chosen = same[[_matches(claim.settings, settings) for settings in same["settings"]]] if len(same) else same
    measured, value = summarise(chosen["value"]), claim.values[metric]
    low, high = value if isinstance(value, tuple) else (value, value)
    difference = measured.mean - min(max(measured.mean, low), high)  # to the nearer end of the claimed range
    excess = max(abs(difference) - max(_rounding(low), _rounding(high)), 0.0)
    found = {"metric": metric, "low": low, "high": high, "difference": difference, "counts": claim.mark == "read"}
    verdict = _verdict(measured, excess, chosen["config"].nunique(), _one_row(metric, chosen))
    seeds = {"mean": measured.mean, "sd": measured.sd, "seeds": measured.n}
    return claim.model_dump(exclude={"values"}) | found | seeds | {"verdict": verdict}


def _rounding(value: float) -> float:
    """A published number stands for everything that rounds to it."""
    return 0.5 * 10.0 ** -len(repr(value).partition(".")[2])


def _matches(asked: dict[str, Any], settings: dict[str, Any]) -> bool:
    """MLflow returns parameters as text, so 100 and "100" are the same setting."""
    return all(str(settings.get(name)) == str(value) for name, value in asked.items())


def _one_row(metric: str, scores: pd.DataFrame) -> float:
    """What a single test row changes: nearest neighbours that stand level are ordered by rounding alone."""
    return 1.0 / scores["n"].max() if metric == "accuracy" and len(scores) else 0.0


def _verdict(measured: Summary, excess: float, configs: int, one_row: float) -> str:
    if not measured.n:
        return "not measured"
    if configs > 1:
        return "ambiguous: several configurations match"
    if excess == 0:
        return "inside"
    if measured.n < 2:
        return "outside (one seed: no spread)"
    spread = INSIDE_SDS * measured.sd or one_row  # seeds that all agree say nothing of another machine
    return "inside" if excess <= spread + 1e-9 else "outside"
