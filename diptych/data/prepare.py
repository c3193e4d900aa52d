"""From raw content to prepared samples: classes, split, cap, encoding and checks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diptych.data import _rows
from diptych.data._encoding import Encoded, encode
from diptych.data._splits import cap, check_leakage, drawn, split_of
from diptych.data.base import DataError, Raw
from diptych.data.card import Card
from diptych.data.samples import Content, GraphArrays, Samples

SPLITS = ("train", "test")  # by the number that `Samples.split` has for them


@dataclass(frozen=True)
class Prepared:
    """Samples and everything that their record says about them."""

    samples: Samples
    card: Card  # with n, shape, classes and the caveats found on the way
    facts: dict[str, Any]
    leakage: dict[str, int]
    counts: dict[str, dict[str, int]]  # split -> class -> rows
    notes: dict[str, Any]


def prepare(raw: Raw, card: Card, *, seed: int, rows: int | None = None) -> Prepared:
    """Split, cut to a subset, cap and encode a data set; statistics see training rows only."""
    card = _completed(card, raw)
    label = _codes(raw.label, card)  # [n]
    split = split_of(raw, label, card, seed)
    subset = drawn(raw, split, label, card)
    card = card.model_copy(update={"n": len(subset)})
    kept = subset[cap(split[subset], label[subset], rows, seed)]
    part, label, split = _part(raw, kept), label[kept], split[kept]
    leakage = check_leakage(part, split, card)
    encoded = encode(part.x, split == 0, card)
    samples = Samples(
        modality=card.modality,
        x=encoded.x,
        label=label,
        split=split,
        key=part.key if part.key is not None else kept.astype(np.int64),
        id=kept.astype(np.int64),
        group=_group_codes(part.group),
        time=part.time,
        statistics=encoded.statistics,
    )
    card = _with_caveats(card, part, leakage)
    notes = encoded.notes | {"rows_cap": rows, "rows_published": len(raw)}
    return Prepared(samples, card, _facts(encoded, card, split), leakage, _counts(label, split, card), notes)


def empty(card: Card) -> Samples:
    """Valid samples without a row, for a data set that could not be had."""
    none = np.zeros(0, np.int64)
    shapes = {"image": (0, 1, 1, 1), "series": (0, 1, 1), "tabular": (0, 1)}
    tokens, nodes = np.zeros((0, 1), np.int64), np.zeros((0, 1), np.float32)
    contents: dict[str, Content] = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    contents |= {"text": tokens, "image_text": {"image": np.zeros((0, 1, 1, 1), np.float32), "text": tokens}}
    offsets = np.zeros(1, np.int64)
    contents["graph"] = GraphArrays(nodes, offsets, np.zeros((2, 0), np.int64), offsets)
    return Samples(card.modality, contents[card.modality], none, none.astype(np.uint8), none, none)


def _completed(card: Card, raw: Raw) -> Card:
    """The card with what own data could not say before; what a card does say must be true."""
    found: dict[str, Any] = {"n": len(raw), "shape": shape_of(raw.x), "classes": _class_names(raw.label)}
    if _rows.count(raw.x) != len(raw):
        raise DataError(f"{card.name}: {_rows.count(raw.x)} samples and {len(raw)} labels")
    for name, value in found.items():
        stated = getattr(card, name)
        if stated and (set(stated) != set(value) if name == "classes" else stated != value):
            raise DataError(f"{card.name}: the card says {name} {stated}, the data have {value}")
    return card.model_copy(update={name: value for name, value in found.items() if not getattr(card, name)})


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of one raw sample as cards state it, 0 for ragged; of pairs the image's."""
    if isinstance(x, dict):
        return shape_of(x["image"])
    if isinstance(x, GraphArrays):
        return (x.nodes.shape[1],)
    if isinstance(x, np.ndarray):
        return (x.shape[3], x.shape[1], x.shape[2])
    if isinstance(x, list):
        if isinstance(x[0], str):
            return (0,)
        lengths = {len(values) for values in x}
        return (lengths.pop() if len(lengths) == 1 else 0, x[0].shape[1])
    return (x.shape[1],)


def _class_names(label: np.ndarray) -> tuple[str, ...]:
    """Distinct classes, numbers in numeric order."""
    names = sorted(map(str, np.unique(label)))
    try:
        return tuple(sorted(names, key=float))
    except ValueError:
        return tuple(names)


def _codes(label: np.ndarray, card: Card) -> np.ndarray:
    if len(card.classes) < 2:
        raise DataError(f"{card.name}: one class only ({card.classes[0]}); at least two are needed")
    place = {name: code for code, name in enumerate(card.classes)}
    return np.array([place[str(name)] for name in label], np.int64)


def _part(raw: Raw, kept: np.ndarray) -> Raw:
    rest: dict[str, Any] = {
        name: None if (a := getattr(raw, name)) is None else a[kept] for name in ("test", "key", "group", "time")
    }
    return replace(raw, x=_rows.take(raw.x, kept), label=raw.label[kept], **rest)


def _group_codes(group: np.ndarray | None) -> np.ndarray | None:
    return None if group is None else np.unique(group, return_inverse=True)[1].astype(np.int64)


def _with_caveats(card: Card, raw: Raw, leakage: Mapping[str, int]) -> Card:
    same = leakage["test_rows_identical_to_a_training_row"]
    twins = (
        [f"{same} test rows are identical to a training row; the official split is left as published"] if same else []
    )
    return card.model_copy(update={"caveats": (*card.caveats, *raw.caveats, *twins)})


def _facts(encoded: Encoded, card: Card, split: np.ndarray) -> dict[str, Any]:
    return {
        "modality": card.modality,
        "classes": len(card.classes),
        "class_names": list(card.classes),
        "vocabulary": 0,
        "n_train": int((split == 0).sum()),
        "n_test": int((split == 1).sum()),
        "mirrored": card.mirrored,
    } | encoded.facts


def _counts(label: np.ndarray, split: np.ndarray, card: Card) -> dict[str, dict[str, int]]:
    """Rows of each class in each split."""
    count = {name: np.bincount(label[split == part], minlength=len(card.classes)) for part, name in enumerate(SPLITS)}
    return {name: dict(zip(card.classes, map(int, numbers), strict=True)) for name, numbers in count.items()}
