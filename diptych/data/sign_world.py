"""The smallest world in which a contrastive loss alone does not tell a good encoder from a useless one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diptych.data.base import Files, Raw, rows_of_splits
from diptych.data.card import Card

if TYPE_CHECKING:
    import numpy as np

COLUMNS, KEPT = 100, 10  # signs of a row, and how many of them make its class
TRAIN, TEST = 4000, 1000

CARD = Card(
    name="sign_world",
    title="Signs of which the first ten make the class (synthetic)",
    modality="tabular",
    metric="accuracy",
    sources=(),
    licence="CC0 1.0 (made by diptych from a fixed seed)",
    citation="the setting of Saunshi et al. 2022, Understanding contrastive learning requires incorporating inductive "
    "biases, arXiv 2202.14037, section 3; the draw is ours",
    n=TRAIN + TEST,
    n_train=TRAIN,
    shape=(COLUMNS,),
    classes=("-1", "1"),
    split="official",
    synthetic=True,
    caveats=("made for view.name scaled_tail with view.kept 10: no other view keeps to the setting of the paper",),
)


def read(files: Files) -> Raw:
    """x uniform on {-1, 1}^100, class sign(w · x_1..10) with w of unit normals; `files` is empty.

    Every column has as many 1 as -1 in each split, so that standardisation leaves it exactly as it is.
    """
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(2022)
    weights = rng.standard_normal(KEPT)
    x = np.concatenate([_balanced(rng.random((rows, COLUMNS))) for rows in (TRAIN, TEST)])  # [n, columns]
    names = [f"kept_{i}" for i in range(KEPT)] + [f"scaled_{i}" for i in range(KEPT, COLUMNS)]
    label = np.where(x[:, :KEPT] @ weights > 0, "1", "-1")
    return Raw(pd.DataFrame(x, columns=names), label, test=rows_of_splits(TRAIN, TEST))


def _balanced(order: np.ndarray) -> np.ndarray:
    """Signs [rows, columns], half of each column 1: those whose random numbers are its smaller half."""
    import numpy as np

    ranks = order.argsort(0).argsort(0)
    return np.where(ranks < len(order) // 2, 1.0, -1.0)
