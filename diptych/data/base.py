"""What a data set's file offers, and how to add one.

A data set is one file `diptych/data/<name>.py` with

    CARD = Card(name="<name>", modality=…, metric=…, sources=(…), licence=…, citation=…, split=…, …)

    def read(files: Files) -> Raw: ...

A family of sets that are read alike is one file with `CARDS = (Card(name="<name>", home="<file>", …), …)` and
`def read(files: Files, name: str) -> Raw`.

`sources` says where each file can come from: kind of registry, package, version and sha256; the mirror is always tried
first. Files that share an `option` belong together, and options are alternatives: `read` looks which one it was given.
A set that `read` makes from a fixed seed is marked `synthetic=True` and has `sources=()`; no other set is without them.
`read` parses verified files with `diptych.data._archives` (bytes in memory, nothing is unpacked or installed) and
returns content as it was published: splits, scaling, tokens and statistics are made later, from training rows only.
The module must import nothing heavy when it is imported, because the planner imports every card: pandas, scikit-learn,
scipy and pillow belong inside the functions. Conformance tests find the file by themselves; a benchmark names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Files = Mapping[str, Path]  # file name of a source -> its verified file


class DataError(ValueError):
    """Data that cannot be used: what was found, where, and what is allowed."""


@dataclass(frozen=True)
class Raw:
    """A data set as it was published, rows aligned.

    `x` by modality: image uint8 [n,H,W,C] · series list of float32 [T,C], NaN where missing · tabular pandas table,
    columns of numbers are numeric and all others categorical · text list of strings · graph GraphArrays ·
    image_text {"image": …, "text": …}.
    """

    x: Any
    label: np.ndarray  # [n] class names
    test: np.ndarray | None = None  # bool [n], the official split
    key: np.ndarray | None = None  # int64 [n], object id where several rows show one object
    group: np.ndarray | None = None  # [n] subject, speaker, …
    time: np.ndarray | None = None  # int64 [n], position in the recording, which is what rows of an equal key are of
    caveats: tuple[str, ...] = ()  # found while reading

    def __len__(self) -> int:
        return len(self.label)


def rows_of_splits(train: int, test: int) -> np.ndarray:
    """The official split of `train` rows followed by `test` rows: bool [train + test], true for test."""
    import numpy as np

    return np.repeat([False, True], [train, test])
