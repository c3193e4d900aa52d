"""Bring the files of a data set into the cache, verified, and record where each came from."""

from pathlib import Path
from typing import Any

from diptych.data.card import Card
from diptych.data.own import card_of
from diptych.data.sources import Fetched, Unreachable, fetch
from diptych.records import write_json


def run(job: dict[str, Any], *, source: Path) -> None:
    """Write the record of the files; a data set that cannot be reached is skipped with the reasons.

    A damaged file raises, and leaves neither a record nor a cached file.
    """
    source.unlink(missing_ok=True)
    card = card_of(job)
    status, reason, files = "ok", "", list[Fetched]()
    try:
        files = fetch(card, mirror=job.get("mirror") or None)
    except Unreachable as error:
        status, reason = "skipped", str(error)
    record = {"job": _identity(job), "status": status, "reason": reason, "files": [_entry(file) for file in files]}
    write_json(source, record | _provenance(card))


def _entry(file: Fetched) -> dict[str, Any]:
    return {"file": file.file, "sha256": file.sha256, "bytes": file.bytes, "origin": file.origin}


def _provenance(card: Card) -> dict[str, Any]:
    return {"licence": card.licence, "citation": card.citation, "synthetic": card.synthetic}


def _identity(job: dict[str, Any]) -> dict[str, Any]:
    """The job without the place of the mirror, which does not change what the files hold."""
    return {key: value for key, value in job.items() if key != "mirror"}
