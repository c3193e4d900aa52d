"""The contract of a metric, and the check of every stored value against its metric's bounds."""

from abc import ABC, abstractmethod
from functools import cache
from pkgutil import iter_modules
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

import diptych.metrics as package
from diptych.components import component

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-9  # float error that a bound forgives


class Undefined(ValueError):
    """The metric has no value on these rows; the message says why."""


class Metric(ABC):
    """A pure function with a direction and bounds; `needs` says what `truth` and `predicted` are.

    labels: class indices [n] and chosen classes [n] · scores, probabilities: class indices [n] and [n, classes] ·
    ranks: number of candidates [n] and rank of the best relevant one [n] ·
    embeddings: [n, d] and [n, d], two views of the same rows; a metric of one embedding reads `predicted` alone ·
    held_out: `predicted` are scores [n] of training rows whose fold was held out, `truth` is not read.
    """

    higher_is_better: ClassVar[bool]
    bounds: ClassVar[tuple[float, float]]
    needs: ClassVar[Literal["labels", "scores", "probabilities", "embeddings", "ranks", "held_out"]]
    chance: ClassVar[str]  # the value of a predictor that knows nothing, or of a collapsed encoder

    def __call__(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        """One number within the bounds; raises Undefined where there is none."""
        if len(truth) != len(predicted):
            raise ValueError(f"{len(truth)} true and {len(predicted)} predicted rows; they must be the same rows")
        if not len(truth):
            raise Undefined("there are no rows to score")
        return self._value(truth, predicted)

    @abstractmethod
    def _value(self, truth: np.ndarray, predicted: np.ndarray) -> float:
        """As the call, for at least one row."""


@cache
def metrics() -> dict[str, Metric]:
    """Every metric by name."""
    names = [m.name for m in iter_modules(package.__path__) if m.name != "base" and not m.name.startswith("_")]
    return {name: load(name) for name in names}


def load(name: str) -> Metric:
    """The metric of a name, without importing the others."""
    metric = component("metrics", name)()
    assert isinstance(metric, Metric)
    return metric


def check_bounds(scores: "pd.DataFrame") -> None:
    """Raise for a value outside its metric's bounds, and for a missing value without a reason."""
    known = metrics()
    for row in scores.to_dict("records"):
        name, value = row["metric"], row["value"]
        if name not in known:
            raise ValueError(f"unknown metric {name}; known: {', '.join(known)}")
        low, high = known[name].bounds
        where = f"{row['probe']} {row['corruption']}-{row['severity']:g} {name}"
        if np.isnan(value) and not row["reason"]:
            raise ValueError(f"{where}: no value and no reason")
        if value < low - TOLERANCE or value > high + TOLERANCE:
            raise ValueError(f"{where} = {value} is outside [{low}, {high}]")
