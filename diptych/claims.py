"""Published numbers, and whether what was measured here agrees with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from diptych.stats import Summary, summarise

if TYPE_CHECKING:
    import pandas as pd

INSIDE_SDS = 2.0  # of the seeds: a claim this close to the measured mean is inside the spread


class ClaimsError(ValueError):
    """A registry of published numbers that cannot be used; the message names the file and the place."""


class Claim(BaseModel):
    """The published numbers of one method on one data set from one source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    method: str
    probe: str
    condition: str = Field("", description="corruption before pretraining, e.g. missing_time-0.2; empty: clean")
    settings: dict[str, Any] = Field({}, description="flat parameters that single out a point of a grid")
    values: dict[str, float | tuple[float, float]] = Field(min_length=1, description="metric: number or [low, high]")
    kind: Literal["published", "rerun", "reimplemented"] = Field(
        description="by the authors; the official code run again by others; a suite's own code"
    )
    source: str = Field(min_length=1, description="where it stands, so that a reader can find it")
    mark: Literal["read", "recalled"] = Field(description="read in `file`, or remembered and not re-read")
    file: str = Field("", description="the file in which a `read` number was read")
    differences: str = Field("", description="how that protocol differs from the one measured here")

    @model_validator(mode="after")
    def _complete(self) -> Claim:
        for metric, value in self.values.items():
            low, high = value if isinstance(value, tuple) else (value, value)
            if not low <= high:
                raise ValueError(f"{metric}: a range is [low, high], not [{low}, {high}]")
        if self.mark == "read" and not self.file:
            raise ValueError("a number marked `read` names its `file`")
        return self


class Registry(BaseModel):
    """A file of published numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claims: tuple[Claim, ...] = Field(min_length=1)


def load(path: Path | str) -> tuple[Claim, ...]:
    """The claims of a registry file; raises ClaimsError with the file and the place."""
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        return Registry.model_validate(content).claims
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ClaimsError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        places = [f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors()]
        raise ClaimsError(f"{path}: " + "; ".join(places)) from error


def compare(claims: tuple[Claim, ...], scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Claimed against measured; `scores` holds clean probe rows of the ranked embedding with `settings` dicts."""
    return [_compared(claim, metric, scores) for claim in claims for metric in claim.values]


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
    verdict = _verdict(measured, excess, chosen["config"].nunique())
    seeds = {"mean": measured.mean, "sd": measured.sd, "seeds": measured.n}
    return claim.model_dump(exclude={"values"}) | found | seeds | {"verdict": verdict}


def _rounding(value: float) -> float:
    """A published number stands for everything that rounds to it."""
    return 0.5 * 10.0 ** -len(repr(value).partition(".")[2])


def _matches(asked: dict[str, Any], settings: dict[str, Any]) -> bool:
    """MLflow returns parameters as text, so 100 and "100" are the same setting."""
    return all(str(settings.get(name)) == str(value) for name, value in asked.items())


def _verdict(measured: Summary, excess: float, configs: int) -> str:
    if not measured.n:
        return "not measured"
    if configs > 1:
        return "ambiguous: several configurations match"
    if excess == 0:
        return "inside"
    if measured.n < 2:
        return "outside (one seed: no spread)"
    return "inside" if excess <= INSIDE_SDS * measured.sd else "outside"
