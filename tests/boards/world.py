"""A benchmark that has been run: a small stand-in for the plan, and files as the stages write them.

Predictions are drawn and scored by the real scoring code, so that every number on a board can be recomputed.
"""

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from diptych.conditions import Condition
from diptych.data.card import Card
from diptych.fingerprint import digest
from diptych.plan import Cell, CellFiles
from diptych.probes.base import Predictions
from diptych.records import empty_scores, write_json, write_npz, write_scores
from diptych.scoring import Place, Sheet
from diptych.spec import Benchmark

ROLES = {"raw": "control", "random": "control", "pca": "control", "supervised": "supervised"}
CLASSES, N_TEST = 3, 120


@dataclass
class World:
    """Has the attributes of a Plan that boards use; `skills` decides how well a method predicts."""

    root: Path
    modalities: dict[str, str]  # data set -> modality
    grids: dict[str, list[dict[str, Any]]]  # method -> points
    skills: dict[str, float]
    seeds: tuple[int, ...] = (0, 1, 2)
    conditions: tuple[str, ...] = ("",)
    robustness: dict[str, list[float]] = field(default_factory=dict)
    broken: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # "data set/method" -> stage, status, reason
    name: str = "tiny"
    claims: str | list[str] | None = None
    only: dict[str, str] = field(default_factory=dict)  # method -> the one data set it runs on
    effects: list[dict[str, Any]] = field(default_factory=list)
    tuned: dict[str, float] = field(default_factory=dict)  # method -> skill after fine-tuning
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)  # method -> what it has without a grid

    @property
    def benchmark(self) -> Path:
        return self.root.parent / f"{self.name}.yaml"

    @cached_property
    def spec(self) -> Benchmark:
        return Benchmark(
            name=self.name, description="A run that never was.", datasets=list(self.modalities), methods={},
            seeds=list(self.seeds), probes=["linear", "svm", *(["finetune"] if self.tuned else [])],
            robustness=self.robustness, claims=self.claims, effects=self.effects,
        )  # fmt: skip

    @cached_property
    def cards(self) -> dict[str, Card]:
        return {
            name: Card(
                name=name, title=f"Title of {name}", modality=modality, metric="accuracy", sources=(), licence="CC0",
                citation="Nobody (2026)", split="stratified", caveats=("made by a test",), synthetic=True,
            )
            for name, modality in self.modalities.items()
        }  # fmt: skip

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(
            Cell(dataset, method, digest([method, point, condition]), seed, condition)
            for dataset in self.modalities
            for method, points in self.grids.items()
            if self.only.get(method, dataset) == dataset
            for point in points
            for condition in self.conditions
            for seed in self.seeds
        )

    @cached_property
    def points(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {
            (method, digest([method, point, condition])): point
            for method, points in self.grids.items()
            for point in points
            for condition in self.conditions
        }

    @property
    def digest(self) -> str:
        return digest([self.name, [cell.path for cell in self.cells]], 16)

    def card(self, dataset: str) -> Card:
        return self.cards[dataset]

    def role(self, cell: Cell) -> str:
        return ROLES.get(cell.method, "self-supervised")

    def default(self, dataset: str, method: str) -> dict[str, Any]:
        return {"encoder.dim": 64, "train.lr": 0.001} | self.defaults.get(method, {})

    def flat(self, cell: Cell) -> dict[str, Any]:
        return {"encoder.dim": 64, "train.lr": 0.001} | self.points[cell.method, cell.config]

    def settings(self, cell: Cell) -> dict[str, Any]:
        return {"method": self.flat(cell)}

    def cell_stages(self, cell: Cell) -> tuple[str, ...]:
        asked = {"robustness": self.robustness, "finetune": self.tuned}
        return ("pretrain", "embed", "probe", *(stage for stage in asked if asked[stage]))

    def cell_job(self, stage: str, cell: Cell) -> str:
        return json.dumps({"stage": stage, "cell": cell.path, "seed": cell.seed, "code": digest(stage, 16)})

    def files(self, cell: Cell) -> CellFiles:
        run, data = self.root / "runs" / cell.path, self.root / "data" / cell.dataset / "0"
        return CellFiles(
            run, run / "pretrain.json", run / "history.parquet", run / "encoder.safetensors", run / "embeddings.npz",
            run / "embed.json", run / "probe-0" / "scores.parquet", run / "probe-0" / "predictions.npz",
            run / "probe-0" / "probe.json", run / "robustness-0" / "robustness.parquet",
            run / "robustness-0" / "predictions.npz", run / "robustness-0" / "robustness.json",
            run / "finetune" / "scores.parquet", run / "finetune" / "predictions.npz",
            run / "finetune" / "finetune.json",
            *[data / "data.npz", data / "card.json"] * 3,
        )  # fmt: skip

    # ------------------------------------------------------------------ the files

    def write(self) -> "World":
        """Every file of every cell."""
        self.benchmark.parent.mkdir(parents=True, exist_ok=True)
        for dataset in self.cards:
            self._write_data(dataset)
        for cell in self.cells:
            self.write_cell(cell)
        return self

    def _write_data(self, dataset: str) -> None:
        files = self.files(next(cell for cell in self.cells if cell.dataset == dataset))
        about = {"facts": {"classes": CLASSES}, "counts": {"train": 240, "test": N_TEST}, "job": {"stage": "prepare"}}
        write_json(files.card, {"status": "ok", "reason": "", "fingerprints": {"x": digest(dataset, 64)}} | about)
        write_npz(files.data, {"x": np.zeros(3)})

    def write_cell(self, cell: Cell, lift: float = 0.0) -> None:
        """All files of one cell; `lift` makes it better."""
        files = self.files(cell)
        stage, status, reason = self.broken.get(f"{cell.dataset}/{cell.method}", ("", "ok", ""))
        ended = {"status": status, "reason": reason}
        fine = {"status": "ok", "reason": ""}
        kept = {"pretrain": files.record, "embed": files.embed, "probe": files.probe}
        kept |= {"robustness": files.robustness_record, "finetune": files.finetune_record}
        records = {stage: kept[stage] for stage in self.cell_stages(cell)}
        seen = False
        for name, path in records.items():
            seen = seen or name == stage
            extra = {"traceback": f"{path.parent.as_posix()}/{name}.traceback.txt"} if name == stage else {}
            write_json(
                path,
                {"job": json.loads(self.cell_job(name, cell))}
                | (ended if seen else fine)
                | extra
                | self._more(name, cell, seen),
            )
        write_npz(files.embeddings, {} if stage in ("pretrain", "embed") else {"backbone": np.ones((4, 2), np.float32)})
        files.encoder.write_bytes(b"weights")
        steps = 0 if cell.method in ROLES or stage == "pretrain" else 700
        curve = {
            "step": np.arange(1, steps + 1),
            "epoch": np.arange(steps) // 7,
            "loss": 3 / np.sqrt(1 + np.arange(steps)),
        }
        pd.DataFrame(curve).to_parquet(files.history)
        rng = np.random.default_rng([cell.seed, int(cell.config, 16)])
        self._probe(files, cell, rng, scored=stage not in ("pretrain", "embed", "probe"), lift=lift)
        if self.robustness:
            self._robustness(files, cell, rng, scored=not stage)
        if self.tuned:
            self._finetune(files, cell, rng, scored=not stage)

    def _more(self, stage: str, cell: Cell, failed: bool) -> dict[str, Any]:
        if stage == "pretrain":
            about = {"commit": "0123456789abcdef" * 2 + "01234567", "dirty": False, "environment": {"lock": "f" * 64}}
            cost = {
                "seconds": 0.0 if cell.method in ROLES else 12.5 + cell.seed,
                "memory_mb": 512.0,
                "parameters": 1000,
            }
            return about | ({} if failed else cost | {"device": "cpu"})
        if stage == "embed":
            return {"embeddings": [] if failed else ["backbone", "projector"]}
        return {"fits": {} if failed else {"backbone|linear|clean|0": {"tuned": {}, "flags": ["edge_of_grid"]}}}

    def skill(self, cell: Cell) -> float:
        penalty = 2.0 * Condition.of(cell.condition).severity
        bonus = sum(
            0.2 * float(v) for v in self.points[cell.method, cell.config].values() if isinstance(v, int | float)
        )
        return self.skills[cell.method] + bonus * 0.5 - penalty

    def _probe(self, files: CellFiles, cell: Cell, rng: np.random.Generator, *, scored: bool, lift: float) -> None:
        if not scored:
            write_scores(files.scores, empty_scores())
            write_npz(files.predictions, {})
            return
        label = np.random.default_rng(len(cell.dataset)).permutation(np.arange(N_TEST) % CLASSES)
        sheet = Sheet(label, np.arange(N_TEST))
        for embedding, probe in (("backbone", "linear"), ("backbone", "svm"), ("projector", "linear")):
            found = predictions(label, self.skill(cell) + lift, rng, probabilities=probe == "linear")
            sheet.add(Place(embedding, probe), replace(found, held_out=self._held_out(cell)))
        sheet.add(Place("backbone", "linear", "permuted"), predictions(label, 0.0, rng, probabilities=True))
        for metric, value in (
            ("alignment", 0.4),
            ("uniformity", -2.0),
            ("effective_rank", 12.0),
            ("collapsed_dimensions", 1.0),
        ):
            sheet.add_value(Place("backbone", "health"), metric, value, N_TEST)
        sheet.write(files.scores, files.predictions)

    def _held_out(self, cell: Cell) -> np.ndarray:
        """Hits on training rows, which have their own luck."""
        rng, label = np.random.default_rng([7, cell.seed, int(cell.config, 16)]), np.arange(2 * N_TEST) % CLASSES
        return predictions(label, self.skill(cell), rng, probabilities=False).scores.argmax(1) == label

    def _robustness(self, files: CellFiles, cell: Cell, rng: np.random.Generator, *, scored: bool) -> None:
        if not scored:
            write_scores(files.robustness, empty_scores())
            write_npz(files.robustness_predictions, {})
            return
        label = np.random.default_rng(len(cell.dataset)).permutation(np.arange(N_TEST) % CLASSES)
        sheet = Sheet(label, np.arange(N_TEST))
        for name, severities in self.robustness.items():
            for severity in severities:
                found = predictions(label, self.skill(cell) * (1 - severity), rng, probabilities=True)
                sheet.add(Place("backbone", "linear", name, severity), found)
        sheet.write(files.robustness, files.robustness_predictions)

    def _finetune(self, files: CellFiles, cell: Cell, rng: np.random.Generator, *, scored: bool) -> None:
        """A method without a skill has nothing to fine-tune."""
        label = np.random.default_rng(len(cell.dataset)).permutation(np.arange(N_TEST) % CLASSES)
        sheet = Sheet(label, np.arange(N_TEST))
        if scored and cell.method in self.tuned:
            found = predictions(label, self.tuned[cell.method], rng, probabilities=True)
            sheet.add(Place("backbone", "finetune"), found)
        elif scored:
            sheet.add_value(Place("backbone", "finetune"), "accuracy", float("nan"), N_TEST, "nothing to fine-tune")
        sheet.write(files.finetune, files.finetune_predictions)


def predictions(label: np.ndarray, skill: float, rng: np.random.Generator, *, probabilities: bool) -> Predictions:
    """Scores [n, classes] that point at the label with a strength."""
    logits = rng.normal(size=(len(label), CLASSES)) + skill * np.eye(CLASSES)[label]
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True) if probabilities else logits
    return Predictions(scores.astype(np.float32), probabilities)
