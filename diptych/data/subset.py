"""Subsets by size: `cifar10_jpeg@10000` is a data set with fewer training rows and its own test split."""

import re
from collections.abc import Iterable

from diptych.data.base import DataError
from diptych.data.card import Card

LEAST = 2  # training rows of each class


def board_name(entry: str) -> str:
    """The name of a subset on the board and in paths: `cifar10_jpeg_10000`."""
    return entry.replace("@", "_")


def is_board_name(name: str, known: Iterable[str]) -> bool:
    """Whether a subset of a known data set could have this name."""
    base, _, size = name.rpartition("_")
    return base in known and size.isdecimal()


def subset_card(card: Card, size: int | str) -> Card:
    """The card of `size` training rows of a data set; which rows they are is drawn by preparation."""
    if not re.fullmatch("[1-9][0-9]*", str(size)):
        raise DataError(f"{card.name}@{size}: a number of training rows was expected after @, such as {card.name}@500")
    rows, most = int(size), _training_rows(card)
    if rows > most:
        about = "" if card.n_train else "about "
        raise DataError(f"{card.name}@{size}: the training split of {card.name} has only {about}{most} rows")
    if rows < LEAST * len(card.classes):
        few = f"{len(card.classes)} classes need at least {LEAST * len(card.classes)} training rows, {LEAST} of each"
        raise DataError(f"{card.name}@{size}: {few}")
    return card.model_copy(
        update={
            "name": board_name(f"{card.name}@{rows}"),
            "title": f"{card.title}, {rows} training rows",
            "base": card.name,
            "n": None,
            "n_train": rows,
            "mirror": card.mirror or card.name,
            "caveats": (*card.caveats, f"a subset: {rows} training rows drawn by class; the test split is whole"),
        }
    )


def _training_rows(card: Card) -> int:
    """Exact for an official split; of a seeded one what its share of rows amounts to."""
    return card.n_train or int((card.n or 0) * (1 - card.test_share))
