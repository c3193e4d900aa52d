"""Data sets that the aeon wheel holds, as `.ts` files of a training and a test part."""

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Source

WHEEL = Source(
    kind="pypi",
    file="aeon-1.6.0-py3-none-any.whl",
    package="aeon",
    version="1.6.0",
    python="3.11",
    sha256="d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
)
LICENCE = "none stated by the archive; aeon, which carries the files, is BSD-3-Clause"


def read_problem(files: Files, problem: str) -> Raw:
    """Training and test series of a problem by its archive name."""
    from diptych.data._series_files import joined, read_series

    names = [f"aeon/datasets/data/{problem}/{problem}_{part}.ts" for part in ("TRAIN", "TEST")]
    members = read_members(files[WHEEL.file], names)
    return joined(*(read_series(members[name], name) for name in names))
