"""A raw table to a numeric matrix: z-scores and one-hot levels, fitted on training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from diptych.data.base import DataError

if TYPE_CHECKING:
    import pandas as pd

LEVELS = 50  # most frequent levels that get a column of their own; the rest share one


@dataclass(frozen=True)
class Table:
    """An encoded table: float32 [n, F], NaN where a numeric value is missing.

    Statistics, one per encoded column: `field` (which raw column it came from), `mean` and `sd` of training rows (0 and
    1 for levels, which are not scaled) and `impute`, the training mean after encoding. The training rows of the matrix
    are the empirical marginals.
    """

    x: np.ndarray
    statistics: dict[str, np.ndarray]
    columns: list[str]  # names of the raw columns that `field` counts
    levels: list[list[str | None] | None]  # of these: the level of each encoded column, None for the rest; or a number
    dropped: dict[str, str]  # raw column -> why


@dataclass(frozen=True)
class _Column:
    x: np.ndarray  # [n, levels] or [n, 1]
    mean: float = 0.0
    sd: float = 1.0
    levels: list[str | None] | None = None


def encode_table(table: pd.DataFrame, train: np.ndarray) -> Table:
    """Encode every column of a raw table; columns that are constant over training rows are dropped."""
    import pandas as pd

    kept, dropped = {}, {}
    for name, column in table.items():
        numeric = pd.api.types.is_numeric_dtype(column)
        encoded = _numeric(column.to_numpy(float), train) if numeric else _levels(column, train)
        if encoded is None:
            dropped[str(name)] = "the same value, or none, in all training rows"
        else:
            kept[str(name)] = encoded
    if not kept:
        raise DataError(f"every feature is constant over the training rows: {', '.join(dropped)}")
    return _joined(kept, dropped, train)


def _joined(kept: dict[str, _Column], dropped: dict[str, str], train: np.ndarray) -> Table:
    x = np.concatenate([column.x for column in kept.values()], axis=1).astype(np.float32)  # [n, F]
    widths = [column.x.shape[1] for column in kept.values()]
    statistics = {
        "field": np.repeat(np.arange(len(kept)), widths),
        "mean": np.repeat([column.mean for column in kept.values()], widths),
        "sd": np.repeat([column.sd for column in kept.values()], widths),
        "impute": np.nanmean(x[train].astype(float), 0).astype(np.float32),
    }
    return Table(x, statistics, list(kept), [column.levels for column in kept.values()], dropped)


def _numeric(values: np.ndarray, train: np.ndarray) -> _Column | None:
    """z-score by training rows; None when they hold fewer than two values."""
    seen = values[train][~np.isnan(values[train])]
    if len(np.unique(seen)) < 2:
        return None
    mean, sd = float(seen.mean()), float(seen.std())
    if not 0 < sd < np.inf:
        return None  # values so near to each other, or so large, that their spread is no number
    return _Column(((values - mean) / sd)[:, None], mean, sd)


def _levels(column: pd.Series[str], train: np.ndarray) -> _Column | None:
    """One-hot levels of the training rows, by frequency and then by name.

    A missing value is a level of its own, shared with the levels beyond the LEVELS most frequent, where training rows
    have any of them; a level that only test rows have falls into it too, or is all zeros where there is none.
    """
    words = column.astype("object").where(column.notna(), "").to_numpy(str)  # [n], "" is missing
    names, counts = np.unique(words[train & (words != "")], return_counts=True)
    frequent = names[np.argsort(-counts, kind="stable")][:LEVELS]
    matrix = words[:, None] == frequent[None]  # [n, levels]
    other = ~matrix.any(1)  # [n]
    levels: list[str | None] = frequent.tolist()
    if other[train].any():
        matrix, levels = np.concatenate([matrix, other[:, None]], axis=1), [*levels, None]
    return _Column(matrix, levels=levels) if matrix.shape[1] > 1 else None
