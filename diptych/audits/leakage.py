"""What the splits of a data set share: ids, objects, groups, identical rows, and rows that are nearly so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from diptych.audits.findings import Finding
from diptych.audits.kept import Kept, Prepared
from diptych.data._rows import digests
from diptych.data.samples import Samples, from_arrays

NEAR = 0.02  # of the median distance from a test row to its nearest training row
LOOKED_AT = (2000, 10_000)  # test and training rows at most
APART = {"ids": "id", "objects": "key", "groups": "group"}  # check -> what both splits may not share


def shared(kept: Kept) -> Iterator[Finding]:
    """For every prepared variant; near-duplicates are looked for where nothing was damaged or filled in."""
    for (dataset, variant), asked in kept.plan.variants.items():
        data = kept.prepared(kept.plan.root / "data" / dataset / variant)
        if data.card["status"] != "ok":
            continue
        where, file = f"{dataset}/{variant}", f"{kept.below(data.folder)}/data.npz"
        samples = from_arrays(data.arrays)
        yield from _apart(samples, where, file)
        if not asked["corruption"] and "impute" not in asked:
            for expected, found in _alike(samples, data):
                yield Finding("duplicates", where, file, expected, found, "warning")


def _apart(samples: Samples, where: str, file: str) -> Iterator[Finding]:
    """Rows of both splits, and nothing that is in both."""
    train, test = samples.split == 0, samples.split == 1
    if not train.any() or not test.any():
        yield Finding("ids", where, file, "training and test rows", f"{train.sum()} and {test.sum()}")
    for check, name in APART.items():
        values = getattr(samples, name)
        both = np.zeros(0) if values is None else np.intersect1d(values[train], values[test])
        if len(both):
            rows = int(np.isin(values[test], both).sum())
            found = f"{len(both)} ({rows} test rows), the first {both[0]}"
            yield Finding(check, where, file, f"no {check} in both splits", found)


def _alike(samples: Samples, data: Prepared) -> Iterator[tuple[str, str]]:
    train, test = samples.split == 0, samples.split == 1
    content = digests(samples.x)
    same = np.isin(content[test], content[train])
    if same.any():
        stated = data.card["leakage"].get("test_rows_identical_to_a_training_row", 0)
        yield "no test row that is also a training row", f"{same.sum()} of {len(same)} (its card says {stated})"
    distance = _nearest(samples, np.flatnonzero(test)[~same], np.flatnonzero(train))
    if len(distance):
        near = int((distance < NEAR * np.median(distance)).sum())
        if near:
            limit = f"within {NEAR:g} of the median distance to the nearest training row"
            yield f"no test row {limit}", f"{near} of {len(distance)} that were looked at"


def _nearest(samples: Samples, test: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Distance of test rows to their nearest training row; of nothing where rows have no coordinates (graphs)."""
    x = samples.x["image"] if isinstance(samples.x, dict) else samples.x
    if not isinstance(x, np.ndarray) or not len(test):
        return np.zeros(0)
    from sklearn.neighbors import NearestNeighbors

    drawn = [_some(rows, most) for rows, most in zip((test, train), LOOKED_AT, strict=True)]
    seen, known = (_points(x[rows], int(x.max()) + 1 if x.dtype.kind in "iu" else 0) for rows in drawn)
    found = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(known).kneighbors(seen)[0]
    return np.asarray(found[:, 0])


def _some(rows: np.ndarray, most: int) -> np.ndarray:
    return rows if len(rows) <= most else np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def _points(x: np.ndarray, tokens: int) -> Any:
    """Rows as vectors: flattened, what is missing as 0; token ids [n, T] as shares of each token."""
    if tokens:
        from scipy.sparse import csr_array

        row, step = np.nonzero(x)
        shares = 1 / np.maximum((x != 0).sum(1), 1)[row]
        return csr_array((shares, (row, x[row, step])), shape=(len(x), tokens))
    return np.nan_to_num(x.reshape(len(x), -1))
