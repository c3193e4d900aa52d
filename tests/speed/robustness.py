"""The robustness job of one encoder against scikit-learn and XGBoost used plainly (`make speed`).

Five levels of missingness × five of label noise × four tuned probes on 1,000 training rows of 320 dimensions: two
overlapping normal distributions, missing values at their mean. A round is a level of missingness, and all five run.
The plain way (naive.py) has the same definitions and must give the same classes; it does each noise level on its own.
Ends with an error where a prediction differs, or the job is not 2.2 times as fast, or not 4 times as fast as with
XGBoost's default of 256 bins, where the suite declares 64.
"""

import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import naive
import numpy as np
from rounds import machine, race, table, verdict
from suite import settle

from diptych.corruptions.base import load, seeded
from diptych.data.samples import Samples
from diptych.probes.xgboost import Xgboost

GOAL, GOAL_256 = 2.2, 4.0
MISSING, NOISE = (0.0, 0.1, 0.2, 0.4, 0.6), (0.0, 0.1, 0.2, 0.3, 0.4)
ROWS, TEST, WIDTH = 1000, 1000, 320
DISTANCE = 0.06  # of the classes' means in each dimension, whose spread runs from 0.3 to 1.7

Probe = Callable[..., np.ndarray]
PLAIN: dict[str, Probe] = {
    "linear": naive.logistic,
    "knn": naive.neighbours,
    "svm": naive.support_vectors,
    "xgboost": partial(naive.trees, bins=Xgboost().max_bin),
}
DEFAULT_BINS: dict[str, Probe] = {"xgboost": partial(naive.trees, bins=256)}


def samples_of(missing: float) -> Samples:
    """The data set with so many values missing."""
    rng, rows = np.random.default_rng(0), np.arange(ROWS + TEST)
    label = rng.integers(0, 2, len(rows))
    means = rng.normal(size=(2, WIDTH)) * DISTANCE
    x = means[label] + rng.normal(size=(len(rows), WIDTH)) * np.linspace(0.3, 1.7, WIDTH)
    clean = Samples("tabular", x.astype(np.float32), label, (rows >= ROWS).astype(np.uint8), rows, rows)
    return load("missing_mcar")(clean, missing, seeded("speed", "missing_mcar", 0))


def labels_of(samples: Samples) -> list[np.ndarray]:
    """Labels [n] at each noise level; those of test stay clean."""
    noise = load("label_noise_symmetric")
    return [noise(samples, level, seeded("speed", "label_noise_symmetric", 0)).label for level in NOISE]


class Suite:
    """The bench of the stage `robustness`: what no label enters is prepared once for all noise levels."""

    def __init__(self) -> None:
        settle()
        from diptych.stages.robustness import _Bench

        self.bench, self.found = _Bench, list[dict[str, Any]]()

    def work(self, seed: int) -> None:
        """All noise levels at the missingness of this round."""
        samples = samples_of(MISSING[seed])
        bench = self.bench(np.nan_to_num(samples.x), samples, {"probes": list(PLAIN), "seed": 0}, 2)
        self.found = [bench.predict(label) for label in labels_of(samples)]

    def outcome(self) -> Any:
        """Classes of the test rows by noise level and probe."""
        return [{name: p.scores.argmax(1) for name, p in level.items()} for level in self.found]


class Plain:
    """Each noise level and each probe on its own."""

    def __init__(self, probes: dict[str, Probe]) -> None:
        warnings.simplefilter("ignore")  # of solvers that give up, as they do in the suite
        self.probes, self.found = probes, list[dict[str, np.ndarray]]()

    def work(self, seed: int) -> None:
        """All noise levels at the missingness of this round."""
        samples = samples_of(MISSING[seed])
        train, test = (np.nan_to_num(samples.x)[samples.split == part] for part in (0, 1))
        given = [label[samples.split == 0] for label in labels_of(samples)]
        self.found = [{name: probe(train, y, test, 0) for name, probe in self.probes.items()} for y in given]

    def outcome(self) -> Any:
        """Classes of the test rows by noise level and probe."""
        return [{name: scores.argmax(1) for name, scores in level.items()} for level in self.found]


def main() -> int:
    """Race, compare; the exit status."""
    machine("scikit-learn", "xgboost-cpu", "numpy")
    rest = {name: probe for name, probe in PLAIN.items() if name != "xgboost"}
    bins = {"xgboost": PLAIN["xgboost"]}
    parts = {"plain, without xgboost": rest, "plain, xgboost": bins, "plain, xgboost of 256 bins": DEFAULT_BINS}
    laps = race({"diptych": Suite} | {name: partial(Plain, probes) for name, probes in parts.items()}, len(MISSING))
    seconds = {name: np.array([lap.seconds for lap in own]) for name, own in laps.items()}
    table(
        ("way", "CPU s at missing", *(f"{level:g}" for level in MISSING), "all"),
        [(name, "", *(f"{s:.1f}" for s in own), f"{own.sum():.1f}") for name, own in seconds.items()],
    )
    ours, others, same, default = seconds.values()
    fits, equal = agreement(laps)
    print(f"{equal} of {fits} fits predict the same classes for every test row")
    fast = whole("robustness, same settings", others + same, ours, GOAL)
    faster = whole("robustness, 64 bins against 256", others + default, ours, GOAL_256)
    return int(not (fast and faster and equal == fits))


def whole(what: str, slow: np.ndarray, fast: np.ndarray, goal: float) -> bool:
    """Print the ratios of the levels; whether that of the whole job reaches the goal."""
    verdict(f"{what}, by level", list(slow / fast), goal)
    return verdict(f"{what}, whole job", [slow.sum() / fast.sum()], goal)


def agreement(laps: dict[str, list[Any]]) -> tuple[int, int]:
    """Fits with the same definition, and how many of them give the same classes."""
    _, rest, trees, _ = laps
    same = [
        np.array_equal(ours[name], plain[name])
        for way in (rest, trees)
        for lap, other in zip(laps["diptych"], laps[way], strict=True)
        for ours, plain in zip(lap.outcome, other.outcome, strict=True)
        for name in plain
    ]
    return len(same), sum(same)


if __name__ == "__main__":
    sys.exit(main())
