"""From a benchmark file to cells and jobs. Pure functions of files; imports nothing heavy."""

import json
import os
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from typing import Any

from diptych import catalog, checks, effects, grid, jobs, spec
from diptych.conditions import Condition, conditions
from diptych.data.card import Card
from diptych.data.subset import is_board_name, subset_card
from diptych.fingerprint import digest
from diptych.grid import Config, Grid
from diptych.imputers import NONE
from diptych.records import sha256
from diptych.spec import BenchmarkError

Job = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """Data set × method × config × seed: one row of the fixed denominator."""

    dataset: str
    method: str
    config: str
    seed: int
    condition: str = ""  # corruption before pretraining, "missing_time-0.2", "missing_time-0.2@pretraining", or nothing

    @property
    def path(self) -> str:
        """Folder of the cell below results/runs."""
        return f"{self.dataset}/{self.method}/{self.config}/{self.seed}"


def row_of(cell: str) -> str:
    """What all seeds of a configuration on a data set share: the path of a cell without its seed."""
    return cell.rpartition("/")[0]


def role_of(method: str, flat: dict[str, Any]) -> str:
    """self-supervised, supervised or control; whatever learns from batches that labels shape is supervised."""
    own = str(catalog.components("methods")[method].attributes["role"])
    return "supervised" if flat["train.per_class"] > 1 and own == "self-supervised" else own


@dataclass(frozen=True)
class CellFiles:
    """Every file of a cell; see the table of stages in the design notes."""

    run: Path
    record: Path
    history: Path
    encoder: Path
    embeddings: Path
    embed: Path
    scores: Path
    predictions: Path
    probe: Path
    robustness: Path
    robustness_predictions: Path
    robustness_record: Path
    finetune: Path
    finetune_predictions: Path
    finetune_record: Path
    data: Path  # what is embedded and probed
    card: Path
    pretrain_data: Path  # the same data, in other variants where the cell's condition asks for them
    pretrain_card: Path
    robustness_data: Path
    robustness_card: Path


def identity(asked: spec.Benchmark, cells: tuple[Cell, ...]) -> str:
    """Digest of what a benchmark asks and of its cells, without what only says where and how long it runs."""
    beside = {"mirror", "device", "limits", "tracking_uri"} | (set() if asked.ladder else {"ladder"})
    return digest([asked.model_dump(mode="json", exclude=beside), [[cell.path, cell.condition] for cell in cells]], 16)


class Plan:
    """A benchmark file with every cell, every setting and every job it asks for."""

    def __init__(self, benchmark: str, root: str = "results") -> None:
        self.benchmark, self.root = Path(benchmark), Path(root)
        self.spec = spec.read(benchmark)
        self.name = self.spec.name
        self.cards = self._cards()
        checks.check(self)
        self.configs: dict[tuple[str, str, str], Config] = {}
        self._conditions: dict[tuple[str, str], Condition] = {}
        self._sources: dict[tuple[str, str], str] = {}
        self._own_digests: dict[str, dict[str, str]] = {}
        self.cells = tuple(cell for name in self.cards for cell in self._cells(name))
        if not self.cells:
            raise BenchmarkError(f"{benchmark}: no cells: name at least one method or control")
        effects.check(self)

    # ------------------------------------------------------------------ what the file says

    def _cards(self) -> dict[str, Card]:
        cards: dict[str, Card] = {}
        for number, entry in enumerate(self.spec.datasets):
            card = self._card(entry, f"{self.benchmark}: datasets[{number}]")
            if card.name in cards:
                raise BenchmarkError(f"{self.benchmark}: datasets[{number}]: {card.name} stands twice")
            cards[card.name] = card
        return cards

    def _card(self, entry: str | dict[Any, Any], place: str) -> Card:
        if isinstance(entry, str):
            return self._built_in(entry, place)
        from diptych.data.own import own_card

        try:
            card = own_card(entry, self.benchmark.parent)
        except (ValueError, OSError) as error:
            raise BenchmarkError(f"{place}: {error}") from error
        if card.name in catalog.datasets() or is_board_name(card.name, catalog.datasets()):
            taken = f"the name {card.name} is taken by a built-in data set or a subset of one"
            raise BenchmarkError(f"{place}: {taken}; set another `name:`")
        return card

    def _built_in(self, entry: str, place: str) -> Card:
        name, at, size = entry.partition("@")
        if at and any(name == self._card(own, place).name for own in self.spec.datasets if not isinstance(own, str)):
            raise BenchmarkError(f"{place}: {name} is own data; a subset by size is one of a built-in data set")
        spec.one_of(name, catalog.datasets(), "data set", place)
        try:
            return subset_card(catalog.datasets()[name], size) if at else catalog.datasets()[name]
        except ValueError as error:
            raise BenchmarkError(f"{place}: {error}") from error

    def grids(self, method: str) -> list[Grid]:
        """What the file asks of a method; a control that it leaves out has one grid without axes."""
        entries = self.spec.methods.get(method, [{}])
        place = f"{self.benchmark}: methods.{method}"
        return [Grid.of(e, f"{place}[{n}]" if len(entries) > 1 else place) for n, e in enumerate(entries)]

    def runs_on(self, method: str, own: Grid) -> list[str]:
        """The data sets of this benchmark on which a method runs with one of its grids."""
        asked = own.datasets or list(self.cards)
        return [name for name in asked if name in self.cards and grid.can_run(method, self.cards[name], own.axes)]

    # ------------------------------------------------------------------ cells

    def _cells(self, dataset: str) -> list[Cell]:
        methods = [*self.spec.methods, *(c for c in self.spec.controls if c not in self.spec.methods)]
        modality, cells = self.cards[dataset].modality, []
        for method in methods:
            for config, under in product(self._configs(method, dataset), conditions(self.spec, modality)):
                own = [self.own_digest(name) for name in (dataset, config.source) if name]
                asked = [config.id, self.spec.rows, str(under), *own]
                name = digest([*asked, under.impute] if under.imputed else asked)
                axis = {"impute": under.impute} if self.spec.impute != [NONE] else {}
                self.configs[dataset, method, name] = replace(config, flat=config.flat | axis)
                self._conditions[dataset, name] = under
                self._sources[dataset, name] = config.source or dataset
                cells += [Cell(dataset, method, name, seed, str(under)) for seed in self.spec.seeds]
        return cells

    def _configs(self, method: str, dataset: str) -> list[Config]:
        """The union of a method's grids on a data set: a point of several grids is one configuration."""
        found: dict[str, Config] = {}
        for own in self._asked(method, dataset):
            points = grid.configs(method, self.cards[dataset].modality, own, self.spec)
            if not points:
                raise BenchmarkError(f"{own.place}: an axis without values")
            checks.unique([config.id for config in points], own.place)
            asked = [config.pretrained_on(name, dataset) for config in points for name in own.sources or [dataset]]
            found |= {config.id: config for config in asked}
        return list(found.values())

    def _asked(self, method: str, dataset: str) -> list[Grid]:
        """The grids of a method on a data set; a control has one for each encoder that the methods use."""
        found = [own for own in self.grids(method) if dataset in self.runs_on(method, own)]
        if method not in spec.SAME_ENCODER or method in self.spec.methods:
            return found
        return [replace(own, axes=axes) for own in found for axes in self._encoders(dataset)]

    def _encoders(self, dataset: str) -> list[dict[str, Any]]:
        """The settings of each encoder that the methods use on a data set; the usual ones where they are towers."""
        used = [
            grid.nested(config.settings["encoder"], "encoder")
            for (where, method, _), config in self.configs.items()
            if where == dataset and method in self.spec.methods
        ]
        distinct = {digest(axes): axes for axes in used if "encoder.name" in axes}
        return list(distinct.values()) or [{}]

    # ------------------------------------------------------------------ what others ask

    def card(self, dataset: str) -> Card:
        """The card of a data set."""
        return self.cards[dataset]

    def role(self, cell: Cell) -> str:
        """What the cell's method is with its settings."""
        return role_of(cell.method, self.flat(cell))

    def settings(self, cell: Cell) -> dict[str, Any]:
        """Every setting that shapes the cell's encoder."""
        return self.configs[cell.dataset, cell.method, cell.config].settings

    def default(self, dataset: str, method: str) -> dict[str, Any]:
        """The flat settings that a method would have here if the file gave it no grid; empty where it could not run."""
        try:
            (config,) = grid.configs(method, self.cards[dataset].modality, Grid({}, [], ""), self.spec)
        except BenchmarkError:
            return {}
        return config.flat | {"impute": NONE}

    def flat(self, cell: Cell) -> dict[str, Any]:
        """The settings as flat parameters."""
        return self.configs[cell.dataset, cell.method, cell.config].flat

    @cached_property
    def digest(self) -> str:
        """Changes whenever a planned cell or what is asked of it changes."""
        return identity(self.spec, self.cells)

    def condition(self, dataset: str, config: str) -> Condition:
        """The damage and the imputation of a cell."""
        return self._conditions[dataset, config]

    def read_by(self, stage: str, dataset: str, config: str, **_: str) -> str:
        """The data set that a stage of a cell reads: pretraining reads that of the encoder."""
        return self._sources[dataset, config] if stage == "pretrain" else dataset

    def variant(self, cell: Cell, stage: str = "probe") -> str:
        """The prepared data that a stage of a cell reads; embed and probe read the same."""
        return self.variant_of(cell.dataset, cell.config, cell.seed, stage)

    @cached_property
    def variants(self) -> dict[tuple[str, str], Job]:
        """(data set, variant) -> what shapes it."""
        read = [(cell, stage) for cell in self.cells for stage in self.cell_stages(cell)]
        return {
            (self.read_by(s, c.dataset, c.config), self.variant(c, s)): self.prepared(c.dataset, c.config, c.seed, s)
            for c, s in read
        }

    def variant_of(self, dataset: str, config: str, seed: str | int, stage: str = "probe", **_: str) -> str:
        """The prepared data behind a rule's wildcards."""
        return digest(self.prepared(dataset, config, int(seed), stage))

    @property
    def mirror(self) -> str:
        """Folder of mirrored files: the environment's, else the benchmark's, else none."""
        return os.environ.get("DIPTYCH_MIRROR") or self.spec.mirror or ""

    def records(self) -> list[str]:
        """What tracking waits for: the last files of every cell."""
        files = [(cell, self.files(cell)) for cell in self.cells]
        last = [[f.probe, *([f.robustness_record] if self.damage(c.dataset) else [])] for c, f in files]
        last += [[f.finetune_record] for _, f in files] if self.fine_tunes else []
        return [str(record) for group in last for record in group]

    def prepared(self, dataset: str, config: str, seed: int, stage: str) -> Job:
        """What shapes the data that a stage reads besides the data set itself.

        The seed counts where the split or the damage is drawn from it.
        """
        asked: Job = {"rows": self.spec.rows} | self._conditions[dataset, config].data(stage)
        dataset = self.read_by(stage, dataset, config)
        drawn = self.cards[dataset].split != "official" or asked["rows"] or asked["corruption"]
        return asked | {"seed": seed if drawn else 0} | self.own_digest(dataset) | self.origin(dataset)

    def origin(self, dataset: str) -> Job:
        """The family's file that reads a data set, and what a subset by size is a subset of, where there are such."""
        card = self.cards[dataset]
        subset = {"subset": {"of": card.base, "rows": card.n_train}} if card.base else {}
        return subset | ({"home": card.home} if card.home else {})

    def files(self, cell: Cell) -> CellFiles:
        """Where each stage of a cell writes."""
        run = self.root / "runs" / cell.path
        probe, robustness = run / f"probe-{self.probe_id}", run / f"robustness-{self.robustness_id(cell.dataset)}"
        data, trained, damaged = (self._data(cell, stage) for stage in ("probe", "pretrain", "robustness"))
        return CellFiles(
            run=run,
            record=run / "pretrain.json",
            history=run / "history.parquet",
            encoder=run / "encoder.safetensors",
            embeddings=run / "embeddings.npz",
            embed=run / "embed.json",
            scores=probe / "scores.parquet",
            predictions=probe / "predictions.npz",
            probe=probe / "probe.json",
            robustness=robustness / "robustness.parquet",
            robustness_predictions=robustness / "predictions.npz",
            robustness_record=robustness / "robustness.json",
            finetune=run / "finetune" / "scores.parquet",
            finetune_predictions=run / "finetune" / "predictions.npz",
            finetune_record=run / "finetune" / "finetune.json",
            data=data / "data.npz",
            card=data / "card.json",
            pretrain_data=trained / "data.npz",
            pretrain_card=trained / "card.json",
            robustness_data=damaged / "data.npz",
            robustness_card=damaged / "card.json",
        )

    def _data(self, cell: Cell, stage: str) -> Path:
        return self.root / "data" / self.read_by(stage, cell.dataset, cell.config) / self.variant(cell, stage)

    @property
    def probes(self) -> list[str]:
        """The probes of frozen embeddings."""
        return [name for name in self.spec.probes if name != catalog.FINE_TUNED]

    @property
    def fine_tunes(self) -> bool:
        """Whether encoders are fine-tuned, too."""
        return catalog.FINE_TUNED in self.spec.probes

    @property
    def probe_id(self) -> str:
        """Names the folder of probe results: benchmarks with other probes do not overwrite each other."""
        return digest(sorted(self.probes))

    def robustness_id(self, dataset: str) -> str:
        """Names the folder of robustness results."""
        return digest([sorted(self.probes), self.damage(dataset)])

    def damage(self, dataset: str) -> dict[str, list[float]]:
        """The corruptions of this benchmark that a data set can suffer."""
        known, modality = catalog.components("corruptions"), self.cards[dataset].modality
        asked = self.spec.robustness.items()
        return {name: levels for name, levels in asked if modality in known[name].attributes["modalities"]}

    def own(self, dataset: str) -> dict[str, Any] | None:
        """The entry of the user's own data, with paths relative to the working folder."""
        entries = [e for e in self.spec.datasets if not isinstance(e, str)]
        for entry in entries:
            if self._card(entry, str(self.benchmark)).name == dataset:
                ((kind, options),) = entry.items()
                return {kind: options | {k: self._local(options[k]) for k in ("file", "test") if options.get(k)}}
        return None

    def _local(self, file: str) -> str:
        return Path(os.path.relpath(self.benchmark.parent / file)).as_posix()

    def own_digest(self, dataset: str) -> dict[str, str]:
        """The content of the user's own files and how they are read: part of the identity of every cell on them."""
        if dataset not in self._own_digests:
            ((_, options),) = (self.own(dataset) or {"": {}}).items()
            read = {key: value for key, value in options.items() if key not in ("name", "metric", "file", "test")}
            files = [sha256(Path(file)) for file in self.own_files(dataset)]
            self._own_digests[dataset] = {"own": digest([read, files])} if files else {}
        return self._own_digests[dataset]

    def own_files(self, dataset: str) -> list[str]:
        """The user's own files of a data set."""
        entry = self.own(dataset) or {}
        return [options[key] for options in entry.values() for key in ("file", "test") if options.get(key)]

    def job(self, stage: str, **wildcards: str) -> str:
        """All that a job needs to know besides its files, as JSON; a changed job is a job to run again."""
        return json.dumps({"stage": stage} | jobs.JOBS[stage](self, **wildcards), sort_keys=True)

    def cell_stages(self, cell: Cell) -> tuple[str, ...]:
        """The stages of a cell, in order."""
        asked = {"robustness": bool(self.damage(cell.dataset)), "finetune": self.fine_tunes}
        return ("pretrain", "embed", "probe", *(stage for stage in asked if asked[stage]))

    def cell_job(self, stage: str, cell: Cell) -> str:
        """The job of one stage of a cell."""
        names = {"dataset": cell.dataset, "method": cell.method, "config": cell.config, "seed": str(cell.seed)}
        return self.job(stage, **names)


@cache
def load(benchmark: str, root: str = "results") -> Plan:
    """The plan of a benchmark file."""
    return Plan(benchmark, root)
