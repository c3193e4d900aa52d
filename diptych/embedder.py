"""A trained encoder from the files of its cell: what stages, robustness tests and users embed with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from diptych.batch import Batch
from diptych.build import batch_of, build, reread
from diptych.data.samples import Samples, from_arrays
from diptych.parts.method import Method, load
from diptych.records import read_json, read_npz

CHUNK = 512  # rows embedded at once
PROJECTION = "projector"  # the name under which health speaks of what the objective compared; it is never probed


@dataclass(frozen=True)
class Restored:
    """A method in eval mode on a device."""

    method: Method
    device: str

    def embed(self, samples: Samples) -> dict[str, np.ndarray]:
        """Named embeddings float32 [n, d] of all rows, in their order."""
        return self.embed_batch(batch_of(samples, np.arange(len(samples))))

    @torch.no_grad()
    def embed_batch(self, batch: Batch) -> dict[str, np.ndarray]:
        """The same for a batch, in chunks."""
        parts = [self.method.embed(chunk) for chunk in self._chunks(batch)]
        return {name: _array([part[name] for part in parts]) for name in parts[0]}

    @torch.no_grad()
    def project(self, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Projections float32 [n, d] of embeddings; none where the objective compares representations as they are."""
        if isinstance(self.method.projector, nn.Identity):
            return {}
        chunks = torch.split(torch.from_numpy(found["backbone"]), CHUNK)
        return {PROJECTION: _array([self.method.projector(h.to(self.device)) for h in chunks])}

    def _chunks(self, batch: Batch) -> Iterator[Batch]:
        for rows in torch.split(torch.arange(len(batch)), CHUNK):
            yield batch.take(rows).to(self.device)

    def embed_prompts(self, prompts: np.ndarray, classes: int) -> np.ndarray:
        """Zero-shot classifier [classes, d]: normalised text embeddings, averaged over templates, renormalised."""
        tokens = torch.from_numpy(prompts)  # [classes · templates, T]
        batch = Batch({"text": tokens}, torch.arange(len(tokens)), torch.arange(len(tokens)))
        z = _unit(self.embed_batch(batch)["text_joint"])  # [classes · templates, d]
        return _unit(z.reshape(classes, -1, z.shape[1]).mean(1))


def _array(parts: list[torch.Tensor]) -> np.ndarray:
    return np.asarray(torch.cat(parts).float().cpu().numpy())


def _unit(z: np.ndarray) -> np.ndarray:
    length: np.ndarray = np.linalg.norm(z, axis=-1, keepdims=True)
    return np.asarray(z / np.maximum(length, 1e-12))


def restore(record: dict[str, Any], facts: dict[str, Any], encoder: Path, device: str) -> Restored:
    """The method of a pretraining record with its trained weights, for data of these facts."""
    method = _built(record, facts)
    load(method, load_file(encoder))
    return _restored(method, record, facts, device)


def initial(record: dict[str, Any], facts: dict[str, Any], encoder: Path, device: str) -> Restored:
    """The same method before its first step; what `calibrate` learnt of the data stays."""
    from diptych.train import seed_everything

    seed_everything(record["job"]["seed"], device)
    method = _built(record, facts)
    first = {name: tensor.clone() for name, tensor in method.state_dict().items() if tensor.numel()}
    load(method, load_file(encoder))
    method.load_state_dict(first, strict=False)
    return _restored(method, record, facts, device)


def _built(record: dict[str, Any], facts: dict[str, Any]) -> Method:
    """As it was trained; a record has facts of its own where that was on other data."""
    return build(record["job"]["method"], record["job"]["settings"], record.get("facts", facts))


def _restored(method: Method, record: dict[str, Any], facts: dict[str, Any], device: str) -> Restored:
    if "facts" in record:
        method = reread(method, record["job"]["settings"], facts)
    return Restored(method.to(device).eval(), device)


def resolve(device: str) -> str:
    """`auto` is cuda where there is one; asking for an absent cuda is an error, not a silent cpu."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: cuda was asked for, but torch sees none; use auto or cpu")
    return device


@dataclass(frozen=True)
class Embedder:
    """The winning encoder, for the person who wants to use it: `diptych.load(cell).embed(x)`."""

    restored: Restored
    facts: dict[str, Any]
    record: dict[str, Any]
    data: Path

    @classmethod
    def of(cls, cell: str, root: str = "results", device: str = "auto") -> Embedder:
        """From a cell's folder, or its path below results/runs (data set/method/config/seed)."""
        folder = Path(cell) if (Path(cell) / "pretrain.json").exists() else Path(root) / "runs" / cell
        if not (folder / "pretrain.json").exists():
            raise FileNotFoundError(f"no finished cell at {folder}; a cell is <data set>/<method>/<config>/<seed>")
        folder = folder.resolve()
        record = read_json(folder / "pretrain.json")
        if record["status"] != "ok":
            raise ValueError(f"{folder} has no usable encoder: {record['status']}: {record['reason']}")
        job = record["job"]
        data = folder.parents[4] / "data" / job["dataset"] / job.get("probed", job["variant"])
        facts = read_json(data / "card.json")["facts"]
        restored = restore(record, facts, folder / "encoder.safetensors", resolve(device))
        return cls(restored, facts, record, data / "data.npz")

    def samples(self) -> Samples:
        """The prepared samples that the cell was probed on."""
        return from_arrays(read_npz(self.data))

    def embed(self, x: Samples | np.ndarray) -> np.ndarray | dict[str, np.ndarray]:
        """Embeddings [n, d] of an array prepared like the training data (NaN = missing), or of Samples."""
        if isinstance(x, Samples):
            found = self.restored.embed(x)
        else:
            floating = np.issubdtype(x.dtype, np.floating)
            tensor = torch.from_numpy(np.ascontiguousarray(x, np.float32 if floating else np.int64))
            rows = torch.arange(len(tensor))
            found = self.restored.embed_batch(Batch(tensor, rows, -1 - rows))  # none of them is an object of the data
        return found.get("backbone", found)
