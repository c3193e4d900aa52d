"""Seeded splits, subsets by size, caps on rows, and the leakage check."""

import hashlib
from typing import Any

import numpy as np

from diptych.data._rows import digests
from diptych.data.base import DataError, Raw
from diptych.data.card import Card
from diptych.data.subset import LEAST

DRAWS = 20  # seeded draws of whole groups, of which one with faithful class shares is taken


def split_of(raw: Raw, label: np.ndarray, card: Card, seed: int) -> np.ndarray:
    """The official split, or a seeded one by class or by whole groups: uint8 [n], 1 for test.

    Identical samples are never separated by a seeded split.
    """
    if card.split == "official":
        if raw.test is None:
            raise DataError(f"{card.name}: the card promises an official split and the data have none")
        split = raw.test.astype(np.uint8)
    else:
        split = _seeded(raw, label, card, seed)
    absent = np.setdiff1d(label, label[split == 0])
    if len(absent):
        shown = ", ".join(repr(card.classes[c] if c < len(card.classes) else int(c)) for c in absent[:5])
        shown += ", …" if len(absent) > 5 else ""
        problem = f"{len(absent)} classes are in the test split only ({shown}); a class needs training rows"
        raise DataError(f"{card.name}: {problem}")
    if len(np.unique(label[split == 1])) < 2:
        raise DataError(f"{card.name}: the test split has fewer than two classes; more rows or groups are needed")
    return split


def drawn(raw: Raw, split: np.ndarray, label: np.ndarray, card: Card) -> np.ndarray:
    """The rows of a data set, or of its subset by size: every test row, and training rows drawn by class.

    Whole objects are drawn while there is room. The draw depends on the data set and its split alone, so all seeds see
    the same subset of an official training split, and smaller subsets are subsets of larger ones.
    """
    if not card.base:
        return np.arange(len(raw))
    train, rows = np.flatnonzero(split == 0), card.n_train or 0
    if rows > len(train):
        raise DataError(f"{card.name}: the training split of {card.base} has only {len(train)} rows")
    key = np.arange(len(raw)) if raw.key is None else raw.key
    _, first, unit = np.unique(key[train], return_index=True, return_inverse=True)  # [objects], [train rows]
    seed = int.from_bytes(hashlib.sha256(card.base.encode()).digest()[:8], "big")
    place = np.argsort(_visited(np.arange(len(first)), label[train[first]], seed))  # [objects]
    chosen = train[np.argsort(place[unit], kind="stable")[:rows]]
    wanted = np.minimum(np.bincount(label[train]), LEAST)
    if (lost := np.flatnonzero(np.bincount(label[chosen], minlength=len(wanted)) < wanted)).size:
        raise DataError(f"{card.name}: {rows} training rows hold under {LEAST} of class {card.classes[lost[0]]!r}")
    return np.sort(np.concatenate([chosen, np.flatnonzero(split == 1)]))


def cap(split: np.ndarray, label: np.ndarray, rows: int | None, seed: int) -> np.ndarray:
    """The rows to keep: at most `rows` of each split, drawn by class; smaller caps are subsets of larger ones."""
    kept = [_by_class(np.flatnonzero(split == part), label, rows, seed) for part in (0, 1)]
    return np.sort(np.concatenate(kept))


def check_leakage(raw: Raw, split: np.ndarray, card: Card) -> dict[str, int]:
    """Counts of what the splits share; a shared key or group is an error, identical content is counted."""
    for what, values in (("key", raw.key), ("group", raw.group)):
        if values is not None and len(shared := _shared(values, split)):
            raise DataError(
                f"{card.name}: leakage: {what} {', '.join(map(str, shared[:5]))} "
                f"({len(shared)} in all) is in both splits; each must be in one"
            )
    content = digests(raw.x)
    shared = _shared(content, split)
    train = content[split == 0]
    return {
        "keys_in_both_splits": 0,
        "groups_in_both_splits": 0,
        "test_rows_identical_to_a_training_row": int(np.isin(content[split == 1], shared).sum()),
        "duplicate_training_rows": len(train) - len(np.unique(train)),
    }


def _seeded(raw: Raw, label: np.ndarray, card: Card, seed: int) -> np.ndarray:
    unit = _units(raw, card)  # [n]
    _, first, unit = np.unique(unit, return_index=True, return_inverse=True)
    grouped = card.split == "grouped"
    chosen = _whole_groups(unit, label, card, seed) if grouped else _stratified(label[first], card, seed)
    return np.isin(unit, chosen).astype(np.uint8)


def _stratified(label: np.ndarray, card: Card, seed: int) -> np.ndarray:
    """Test units with the classes' shares: [units in test]."""
    from sklearn.model_selection import train_test_split

    names, counts = np.unique(label, return_counts=True)
    if counts.min() < 2:
        raise DataError(
            f"{card.name}: too few rows: {(counts < 2).sum()} of {len(names)} classes have one distinct row, "
            "a seeded split needs two of each; is the target a class?"
        )
    try:
        _, test = train_test_split(np.arange(len(label)), test_size=card.test_share, stratify=label, random_state=seed)
    except ValueError as error:
        raise DataError(f"{card.name}: {len(label)} rows are too few for {len(names)} classes: {error}") from error
    return np.asarray(test)


def _whole_groups(unit: np.ndarray, label: np.ndarray, card: Card, seed: int) -> np.ndarray:
    """Test groups; of several draws the first of that half whose class shares are nearer to those of all rows.

    The nearest of all would be the same few groups for most seeds where there are few: 4 of 8 seeds drew the same two
    of ten subjects.
    """
    from sklearn.model_selection import GroupShuffleSplit

    if unit.max() < 1:
        raise DataError(f"{card.name}: all rows are in one {card.group or 'group'}; a grouped split needs at least two")
    draws = GroupShuffleSplit(DRAWS, test_size=card.test_share, random_state=seed).split(unit, groups=unit)
    tests = [test for _, test in draws]
    wanted = np.bincount(label) / len(label)
    misfit = [np.abs(np.bincount(label[test], minlength=len(wanted)) / len(test) - wanted).sum() for test in tests]
    return np.unique(unit[tests[int(np.argmax(misfit <= np.median(misfit)))]])


def _units(raw: Raw, card: Card) -> np.ndarray:
    """What a seeded split may not separate: rows linked by a group, a key or identical content: int [n]."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if card.split == "grouped" and raw.group is None:
        raise DataError(f"{card.name}: the card promises groups and the data have none")
    ties: list[Any] = [values for values in (raw.group, raw.key, digests(raw.x)) if values is not None]
    rows, columns, offset = [], [], len(raw)
    for values in ties:
        _, code = np.unique(values, return_inverse=True)
        rows.append(np.arange(len(raw)))
        columns.append(code + offset)
        offset += int(code.max()) + 1
    ends = np.concatenate(rows), np.concatenate(columns)
    graph = coo_array((np.ones(len(ends[0])), ends), shape=(offset, offset))
    return np.asarray(connected_components(graph, directed=False)[1][: len(raw)])


def _by_class(members: np.ndarray, label: np.ndarray, rows: int | None, seed: int) -> np.ndarray:
    if rows is None or len(members) <= rows:
        return members
    chosen = _visited(members, label, seed)[:rows]
    if len(np.unique(label[chosen])) < len(np.unique(label[members])):
        raise DataError(f"a cap of {rows} rows cannot hold the {len(np.unique(label[members]))} classes; raise `rows`")
    return chosen


def _visited(members: np.ndarray, label: np.ndarray, seed: int) -> np.ndarray:
    """The members in a random order that visits classes in proportion, after LEAST of each."""
    order = np.random.default_rng(seed).permutation(members)
    position = np.empty(len(order))
    for name in np.unique(label[order]):
        own = np.flatnonzero(label[order] == name)
        rank = np.arange(len(own))
        position[own] = np.where(rank < LEAST, rank - LEAST, (rank + 0.5) / len(own))
    return order[np.argsort(position, kind="stable")]


def _shared(values: np.ndarray, split: np.ndarray) -> np.ndarray:
    return np.intersect1d(values[split == 0], values[split == 1])
