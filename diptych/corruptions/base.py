"""The contract of a corruption; masks are nested over severities and shared by all methods."""

import hashlib
from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np

from diptych.components import component
from diptych.data.samples import Samples

Array = np.ndarray


class Corruption(ABC):
    """Damage to inputs, or to the labels of the training split: another class, or HIDDEN (data/samples.py)."""

    target: ClassVar[Literal["input", "label"]]
    modalities: ClassVar[tuple[str, ...]]
    bounds: ClassVar[tuple[float, float]] = (0.0, 0.95)  # allowed severities
    axis: ClassVar[str] = ""  # what a severity is, on a figure's axis; empty: "severity of <name>"

    def __call__(self, samples: Samples, severity: float, rng: np.random.Generator) -> Samples:
        """A damaged copy. The draw does not depend on severity, so that damage grows with it; 0 changes nothing."""
        low, high = self.bounds
        if not low <= severity <= high:
            raise ValueError(f"{type(self).__name__}: severity {severity} is outside [{low}, {high}]")
        if samples.modality not in self.modalities:
            allowed = ", ".join(self.modalities)
            raise ValueError(f"{type(self).__name__} cannot damage {samples.modality} data; it damages {allowed}")
        return self._damage(samples, severity, rng)

    @abstractmethod
    def _damage(self, samples: Samples, severity: float, rng: np.random.Generator) -> Samples:
        """As the call, for an allowed severity and modality."""


def load(name: str) -> Corruption:
    """The corruption of a name."""
    corruption = component("corruptions", name)()
    assert isinstance(corruption, Corruption)
    return corruption


def seeded(dataset: str, name: str, seed: int) -> np.random.Generator:
    """The generator of a corruption's draw: the same for every method, severity, process and machine."""
    digest = hashlib.sha256(f"{dataset}|{name}|{seed}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def lowest(priority: Array, split: Array, count: dict[int, int]) -> Array:
    """Mask [n, …] of the `count[s]` units of each split s with the lowest priority; NaN priority is never chosen."""
    mask = np.zeros(priority.shape, dtype=bool)
    for part, wanted in count.items():
        if wanted:
            rows = split == part
            values = priority[rows]
            mask[rows] = values <= np.partition(values[~np.isnan(values)], wanted - 1)[wanted - 1]
    return mask
