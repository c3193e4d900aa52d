"""The look of a row in every figure: its colour, its line and its mark."""

from __future__ import annotations

from functools import cache
from typing import Any

from diptych.boards.frame import Board, Row

INK = "#010203"  # stands for the page's text colour until the figure is written
GREY = "#8a8f98"  # reads on white and on black
DASHES: dict[str, Any] = {"raw": (0, (4, 2)), "random": (0, (1, 1.5)), "pca": (0, (6, 2, 1, 2))}
MARKERS = {"raw": "s", "random": "o", "pca": "^", "supervised": "D"}  # open, beside the methods' filled circles
TURNS = ("-", (0, (5, 1.2)), (0, (3, 1, 1, 1)), (0, (1, 1)))  # lines of methods, by how often hues have come again
MARKS = ("o", "P", "X", "v", "*")


def palette(board: Board) -> dict[str, Any]:
    """One colour per row in every figure: hues for methods, grey and ink for what stands beside them.

    The hues can be told apart by the colour-blind; where there are more rows than hues, they come again with another
    line and another mark.
    """
    rows = dict.fromkeys(board.cells["row"])
    colours: dict[str, Any] = {str(row): INK if row.method == "supervised" else GREY for row in rows}
    found = hues()
    return colours | {str(row): found[place % len(found)] for place, row in enumerate(board.methods)}


@cache
def hues() -> list[Any]:
    """The colour-blind-safe palette without its grey, which is the controls'."""
    import seaborn as sns

    return [hue for place, hue in enumerate(sns.color_palette("colorblind")) if place != 7]


def _turn(board: Board, row: Row, looks: tuple[Any, ...]) -> Any:
    """The look of a method among those that tell rows of one hue apart."""
    place = board.methods.index(row) if row in board.methods else 0
    return looks[place // len(hues()) % len(looks)]


def dash(board: Board, row: Row) -> Any:
    """The line of a row."""
    return DASHES.get(row.method) or _turn(board, row, TURNS)


def mark(board: Board, row: Row) -> str:
    """The mark of a row."""
    return MARKERS.get(row.method) or str(_turn(board, row, MARKS))
