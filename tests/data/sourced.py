"""Helpers of the tests of sources: cards whose sources matter and nothing else."""

import hashlib
from pathlib import Path

from diptych.data.card import Card, Source


def card_with(*sources: Source, **changes) -> Card:
    rest = {"name": "some", "title": "some", "modality": "tabular", "metric": "auroc", "licence": "-", "citation": "-"}
    return Card(**(rest | {"sources": sources, "split": "stratified"} | changes))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files_in(cache: Path) -> list[str]:
    """What a later run could find in a cache."""
    found = (path for path in cache.rglob("*") if path.is_file() and ".locks" not in path.parts)
    return sorted(path.name for path in found)
