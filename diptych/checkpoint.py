"""A training that was cut off goes on from its last checkpoint and ends with the bits of an uninterrupted one."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from diptych.records import atomic

SECONDS = 120  # between two checkpoints


class Checkpoint:
    """One file of one training: tensors as safetensors, the tree that holds them as JSON in its header."""

    def __init__(self, path: Path, identity: str) -> None:
        self.path, self.identity = path, identity  # of the job and its data: another training's file is not read
        self.written = time.monotonic()

    def due(self) -> bool:
        """Whether it is time to write again."""
        return time.monotonic() - self.written >= SECONDS

    def write(self, state: Mapping[str, Any]) -> None:
        """Keep a tree of mappings, lists, numbers, texts and tensors."""
        tensors: dict[str, Tensor] = {}
        about = {"identity": self.identity, "tree": json.dumps(_pack(state, tensors))}
        atomic(self.path, lambda temporary: save_file(tensors, temporary, metadata=about))
        self.written = time.monotonic()

    def read(self) -> dict[str, Any] | None:
        """The tree that was kept; None where there is none of this training."""
        if not self.path.exists():
            return None
        with safe_open(self.path, framework="pt") as file:
            about = file.metadata() or {}
            if about.get("identity") != self.identity:
                return None
        return dict(_unpack(json.loads(about["tree"]), load_file(self.path)))

    def drop(self) -> None:
        """The training has ended."""
        self.path.unlink(missing_ok=True)


def _pack(node: Any, tensors: dict[str, Tensor]) -> Any:
    """A tree as JSON; its tensors are copied to `tensors` and named in their place."""
    if isinstance(node, Tensor):
        tensors[name := str(len(tensors))] = node.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(node, Mapping):  # as pairs: the keys of an optimiser's state are numbers
        return {"items": [[key, _pack(value, tensors)] for key, value in node.items()]}
    return [_pack(part, tensors) for part in node] if isinstance(node, list | tuple) else node


def _unpack(node: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(node, list):
        return [_unpack(part, tensors) for part in node]
    if not isinstance(node, dict):
        return node
    return tensors[node["tensor"]] if "tensor" in node else {k: _unpack(v, tensors) for k, v in node["items"]}
