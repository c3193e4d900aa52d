"""What jobs will cost, from what earlier ones of the same results folder did cost; without records nothing is said.

One ridge regression per stage and quantity: the logarithm over data set, modality, method, encoder, rows, values per
row, training samples and scores asked for. Its error is that on records left out as whole groups, of the kind that is
new in a job: a modality, a data set, a method, or at least a row of a board (data set × method), since the seeds of one
row are too alike to tell how well another row is foreseen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from diptych.records import ContractError, read_json

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from diptych.plan import Cell, Plan
    from diptych.state import JobState

Array = np.ndarray
Key = tuple[str, str]  # stage and name of a job

QUANTITIES = ("seconds", "memory_mb", "disk_mb")
WORDS, NUMBERS = ["dataset", "modality", "method", "encoder"], ["rows", "values", "samples", "scores"]
CELL_STAGES = ("pretrain", "embed", "probe", "robustness", "finetune")
STAGES = ("download", "prepare", *CELL_STAGES)
OUTPUTS = {  # what lies beside the record of a stage whose folder it shares with others
    "download": ["source.json"],
    "pretrain": ["pretrain.json", "encoder.safetensors", "history.parquet"],
    "embed": ["embed.json", "embeddings.npz"],
}
ANY = "*/card.json"  # a card of prepared data: all of a data set agree in its modality
SMALLEST = 1e-3  # second or megabyte: below, a logarithm speaks of noise
LEVELS = ("modality", "dataset", "method", "row")  # what can be new in a job, the gravest first
FEWEST = 3  # groups with a record: with fewer no error can be told, and so nothing is foreseen
MOST = 3000  # records of a stage that are read: more would only take time
FOLDS = 10
DRAWS, LIMITS = 1000, (2.5, 97.5)
NAN = float("nan")


# ---------------------------------------------------------------------- what jobs are like, and what they cost


def recorded(root: Path) -> pd.DataFrame:
    """Every job of a results folder that ended well, with its cost; one line each."""
    trained: dict[Path, dict[str, Any]] = {}
    lines = []
    for stage, file, record in _records(root):
        place = file.relative_to(root).parts  # runs/dataset/method/config/seed/… or data/dataset/…
        cell = root.joinpath(*place[:5]) if place[0] == "runs" else None
        if cell and cell not in trained:
            trained[cell] = _job(cell / "pretrain.json")
        asked = trained[cell] if cell else {}
        data = root / "data" / place[1]
        facts = _facts(data / str(asked.get("variant", place[2])) / "card.json") or _facts(next(data.glob(ANY), data))
        method = place[2] if cell else ""
        line = _features(stage, place[1], method, asked.get("settings", {}), facts) | {"scores": _asked(record["job"])}
        lines.append(line | _cost(stage, file, record))
    return pd.DataFrame(lines, columns=["stage", "row", *WORDS, *NUMBERS, *QUANTITIES])


def _records(root: Path) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """(stage, file, record) of what ended well; a broken record is no evidence."""
    found = [("download", file) for file in root.glob("data/*/source.json")]
    found += [("prepare", file) for file in root.glob("data/*/*/card.json")]
    found += [(file.stem, file) for file in root.glob("runs/*/*/*/*/**/*.json") if file.stem in CELL_STAGES]
    for stage, file in sorted(found):
        try:
            record = read_json(file)
        except ContractError:
            continue
        if record.get("status") == "ok" and isinstance(record.get("job"), dict):
            yield stage, file, record


def _job(file: Path) -> dict[str, Any]:
    try:
        return dict(read_json(file)["job"])
    except (ContractError, KeyError):
        return {}


def _facts(card: Path) -> dict[str, Any]:
    """Modality, training rows and shape of prepared data; nothing where there are none."""
    try:
        return dict(read_json(card).get("facts") or {})
    except ContractError:
        return {}


def planned(plan: Plan, jobs: Iterable[JobState]) -> pd.DataFrame:
    """The same features of jobs to do; where data are not prepared yet, as far as their card tells."""
    cells = {cell.path: cell for cell in plan.cells}
    lines = []
    for job in jobs:
        dataset, cell = job.name.partition("/")[0], cells.get(job.name)
        settings = plan.settings(cell) if cell else {}
        facts = _expected(plan, dataset, cell) | {"modality": plan.card(dataset).modality}
        line = _features(job.stage, dataset, cell.method if cell else "", settings, facts)
        lines.append(line | {"scores": _asked(json.loads(job.job))})
    return pd.DataFrame(lines, columns=["stage", "row", *WORDS, *NUMBERS])


def _expected(plan: Plan, dataset: str, cell: Cell | None) -> dict[str, Any]:
    card, cap = plan.card(dataset), plan.spec.rows
    rows = card.n_train or (round(card.n * (1 - card.test_share)) if card.n else None)
    stated = {"n_train": min(rows, cap) if rows and cap else rows or cap, "shape": card.shape}
    return stated | (_facts(plan.files(cell).pretrain_card) if cell else {})


def _features(stage: str, dataset: str, method: str, settings: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    rows, shape = facts.get("n_train"), facts.get("shape") or ()
    return {
        "stage": stage,
        "row": f"{dataset}/{method}",
        "dataset": dataset,
        "modality": facts.get("modality", ""),
        "method": method,
        "encoder": json.dumps(settings.get("encoder", "")),
        "rows": float(rows) if rows else NAN,
        "values": float(prod(shape)) if shape and all(shape) else NAN,
        "samples": _samples(settings.get("recipe", {}), rows),
    }


def _samples(recipe: dict[str, Any], rows: float | None) -> float:
    """Training samples that a recipe's budget asks for: stopping early makes it an upper bound."""
    if recipe.get("steps") is not None:
        return float(recipe["steps"] * recipe["batch_size"])
    if recipe.get("samples") is not None:
        return float(recipe["samples"])
    return float(recipe["epochs"] * rows) if recipe.get("epochs") and rows else NAN if recipe else 0.0


def _asked(job: dict[str, Any]) -> float:
    """Fits of probes that a job asks for."""
    return float(len(job.get("probes", ())) * max(1, sum(map(len, job.get("robustness", {}).values()))))


def _cost(stage: str, file: Path, record: dict[str, Any]) -> dict[str, float]:
    """Wall seconds as Snakemake saw them, else as the job itself did; memory where it was recorded; size of files."""
    own = record.get("seconds", record.get("cpu_seconds", NAN))
    beside = [file.with_name(name) for name in OUTPUTS.get(stage, ())] or file.parent.iterdir()
    size = sum(path.stat().st_size for path in beside if path.is_file())
    seconds = _snakemake(file.with_name(f"{stage}.tsv"), own)
    return {"seconds": seconds, "memory_mb": record.get("memory_mb") or NAN, "disk_mb": size / 2**20}


def _snakemake(file: Path, otherwise: float) -> float:
    try:
        return float(file.read_text(encoding="utf-8").splitlines()[1].split("\t")[0])
    except (OSError, IndexError, ValueError):
        return float(otherwise)


# ---------------------------------------------------------------------- the regression


@dataclass(frozen=True, eq=False)
class Fit:
    """A regression of one quantity of one stage, and the errors that it makes on what it has not seen."""

    past: pd.DataFrame
    target: Array  # log cost

    @classmethod
    def of(cls, past: pd.DataFrame, quantity: str) -> Fit:
        """From the records of a stage that have the quantity."""
        past = past[np.isfinite(past[quantity].astype(float))]
        past = past.sample(MOST, random_state=0) if len(past) > MOST else past
        return cls(past, np.log(np.maximum(past[quantity].to_numpy(dtype=float), SMALLEST)))

    def levels(self, jobs: pd.DataFrame) -> Array:
        """What is new in each job."""
        new = [~jobs[level].isin(set(self.past[level])) for level in LEVELS[:-1]]
        return np.select(new, LEVELS[:-1], LEVELS[-1])

    @cache  # noqa: B019 (a forecast lives as long as the command)
    def errors(self, level: str) -> list[Array]:
        """Of each group left out: log(cost / forecast) of its jobs; none where there are too few groups."""
        from sklearn.model_selection import GroupKFold, cross_val_predict

        groups = self.past[level].to_numpy()
        if (count := len(set(groups))) < FEWEST:
            return []
        folds = GroupKFold(min(count, FOLDS))
        left_out = cross_val_predict(_model(), self.past, self.target, groups=groups, cv=folds)
        return [part.to_numpy() for _, part in pd.Series(self.target - left_out).groupby(groups)]

    def error(self, level: str) -> tuple[float, float]:
        """Between which multiples of its forecast a job of a group left out lay, in 95 of 100 cases."""
        low, high = np.exp(np.percentile(np.concatenate(self.errors(level)), LIMITS))
        return float(low), float(high)

    def draw(self, jobs: pd.DataFrame, rng: np.random.Generator) -> Array:
        """Costs of jobs [jobs, DRAWS]; NaN where no error can be told."""
        costs, levels = np.full((len(jobs), DRAWS), NAN), self.levels(jobs)
        for level in (level for level in LEVELS if (levels == level).any() and self.errors(level)):
            own = levels == level
            centre = self._model.predict(jobs[own])
            costs[own] = np.exp(centre[:, None] + _drawn(self.errors(level), jobs.loc[own, level], rng))
        return costs

    @cached_property
    def _model(self) -> Pipeline:
        return _model().fit(self.past, self.target)


def _drawn(errors: list[Array], groups: pd.Series[str], rng: np.random.Generator) -> Array:
    """Errors [jobs, DRAWS] of a job = those of the regression as a whole + of the job's group + of the job in it.

    Groups spread as the means of those that were left out, of which there are few: so with the tails of Student's t.
    """
    means, place = np.array([own.mean() for own in errors]), pd.factorize(groups)[0]
    inside = np.concatenate([own - own.mean() for own in errors])
    count = len(means)
    spread = means.std(ddof=1) * np.sqrt((count - 1) / rng.chisquare(count - 1, DRAWS))
    whole = means.mean() + spread / np.sqrt(count) * rng.normal(size=DRAWS)
    own = (spread * rng.normal(size=(place.max() + 1, DRAWS)))[place]
    found: Array = whole + own + rng.choice(inside, size=own.shape)
    return found


def _model() -> Pipeline:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    sizes = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), FunctionTransformer(np.log1p), StandardScaler()
    )
    return make_pipeline(make_column_transformer((words, WORDS), (sizes, NUMBERS)), RidgeCV(np.logspace(-2, 2, 5)))


# ---------------------------------------------------------------------- the forecast


@dataclass(frozen=True)
class Amount:
    """A forecast with its interval."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, draws: Array) -> Amount:
        """Median and percentiles; nothing to do costs nothing."""
        low, middle, high = np.percentile(draws, [LIMITS[0], 50, LIMITS[1]])
        return cls(float(middle), float(low), float(high))

    def over(self, cores: int) -> Amount:
        """Shared out evenly."""
        return Amount(self.middle / cores, self.low / cores, self.high / cores)


@dataclass(frozen=True, eq=False)
class Forecast:
    """The jobs of a plan that are to be done, and what records say of their cost."""

    jobs: list[JobState]
    features: pd.DataFrame
    past: pd.DataFrame

    @classmethod
    def of(cls, plan: Plan, jobs: Iterable[JobState]) -> Forecast:
        """Of the missing and stale ones among the jobs of a plan, from all records of its results folder."""
        own = sorted((job for job in jobs if job.state != "cached"), key=lambda job: STAGES.index(job.stage))
        return cls(own, planned(plan, own), recorded(plan.root))

    @cached_property
    def stages(self) -> list[str]:
        """Of the jobs to do, in order."""
        return list(dict.fromkeys(job.stage for job in self.jobs))

    @cached_property
    def fits(self) -> dict[tuple[str, str], Fit]:
        """(stage, quantity) -> its regression."""
        pairs = [(stage, quantity) for stage in self.stages for quantity in QUANTITIES]
        return {(s, q): Fit.of(self.past[self.past["stage"] == s], q) for s, q in pairs}

    @cached_property
    def draws(self) -> dict[str, Array]:
        """Of each quantity the cost of every job [jobs, DRAWS]; NaN where too little is known of it."""
        found = {}
        for quantity in QUANTITIES:
            rng, costs = np.random.default_rng(0), np.full((len(self.jobs), DRAWS), NAN)
            for stage in self.stages:
                own = (self.features["stage"] == stage).to_numpy()
                costs[own] = self.fits[stage, quantity].draw(self.features[own], rng)
            found[quantity] = costs
        return found

    @cached_property
    def unknown(self) -> list[Key]:
        """Jobs of whose time too little is known: nothing is said of it."""
        missing = np.isnan(self.draws["seconds"][:, 0])
        return [(job.stage, job.name) for job, none in zip(self.jobs, missing, strict=True) if none]

    def errors(self, stage: str) -> dict[str, tuple[float, float]]:
        """By what is new in jobs of a stage: between which multiples of its forecast the time of one lay."""
        fit = self.fits[stage, "seconds"]
        levels = dict.fromkeys(fit.levels(self.features[self.features["stage"] == stage]).tolist())
        return {level: fit.error(level) for level in levels if fit.errors(level)}

    @cached_property
    def _places(self) -> dict[Key, int]:
        return {(job.stage, job.name): place for place, job in enumerate(self.jobs)}

    def total(self, quantity: str, jobs: Iterable[Key] | None = None) -> Amount:
        """Of all jobs to do, or of some: the sum of times and sizes, the largest of memories."""
        places = list(self._places.values() if jobs is None else (self._places[key] for key in jobs))
        own = np.nan_to_num(self.draws[quantity][places])
        return Amount.of(own.max(axis=0, initial=0.0) if quantity == "memory_mb" else own.sum(axis=0))

    def of_stage(self, stage: str) -> list[Key]:
        """The jobs of a stage."""
        return [key for key in self._places if key[0] == stage]
