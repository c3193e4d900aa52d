"""A cell of the suite, outside of a run: the plan's job and the prepared files, and its pretraining as a contestant."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from diptych.__main__ import settle

Job = dict[str, Any]


class Trained:
    """The suite's stage `pretrain`, files and all, in the environment of its jobs."""

    def __init__(self, job: Job, folder: Path) -> None:
        settle()
        import torch

        from diptych.data.samples import from_arrays
        from diptych.records import read_json, read_npz
        from diptych.stages import pretrain

        torch.set_num_threads(1)
        self.folder, self.stage = folder, pretrain
        self.samples = from_arrays(read_npz(folder / "data.npz"))
        self.facts = read_json(folder / "card.json")["facts"]
        settings = job["settings"]
        self.job = job | {"settings": settings | {"recipe": settings["recipe"] | {"steps": 1}}}
        self.work(0)  # imports
        self.job = job

    def work(self, seed: int) -> None:
        """Train."""
        files = {"encoder": "encoder.safetensors", "record": "pretrain.json", "history": "history.parquet"}
        places = {name: self.folder / file for name, file in files.items()}
        inputs = {"data": self.folder / "data.npz", "card": self.folder / "card.json"}
        self.stage.run(self.job | {"seed": seed}, **inputs, **places, device="cpu")

    def outcome(self) -> Any:
        """Embeddings [n, d] of all samples."""
        from diptych.embedder import restore

        restored = restore({"job": self.job}, self.facts, self.folder / "encoder.safetensors", "cpu")
        return next(iter(restored.embed(self.samples).values()))


def prepared(folder: Path, dataset: str, method: str, axes: dict[str, object]) -> Job:
    """Download and prepare a data set into `folder`; the job that pretrains the method on it."""
    from diptych.plan import Plan
    from diptych.records import read_json
    from diptych.stages import download, prepare

    file = folder / "speed.yaml"
    asked = {"name": "speed", "datasets": [dataset], "methods": {method: axes}, "seeds": [0], "probes": ["linear"]}
    file.write_text(yaml.safe_dump(asked))
    plan = Plan(str(file), str(folder))
    cell = next(cell for cell in plan.cells if cell.method == method)
    source = folder / "source.json"
    wanted = json.loads(plan.job("download", dataset=dataset)) | {"mirror": plan.mirror}
    download.run(wanted, source=source)
    variant = json.loads(plan.job("prepare", dataset=dataset, variant=plan.variant(cell)))
    prepare.run(variant, source=source, data=folder / "data.npz", card=folder / "card.json")
    if reason := read_json(folder / "card.json")["reason"]:
        sys.exit(f"{dataset} is not at hand: {reason}")
    where = {"dataset": dataset, "method": method, "config": cell.config, "seed": "0"}
    return dict(json.loads(plan.job("pretrain", **where)))
