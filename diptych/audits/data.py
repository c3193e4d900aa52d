"""Are the data those that were prepared, and do embeddings and predictions speak of the same rows?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from diptych.audits.findings import Finding
from diptych.audits.integrity import SCORED
from diptych.audits.kept import Arrays, Case, Kept, Prepared
from diptych.data.prepare import SPLITS
from diptych.data.samples import fingerprint
from diptych.records import read_json, sha256

ROWS = ("id", "split", "label", "key")  # of an embedding file, row by row those of the data
GROWN = ("n", "caveats")  # what preparation adds to a card


def sources(kept: Kept) -> Iterator[Finding]:
    """Every file of a data set is the one that its card pins, or that the user keeps."""
    for dataset, card in kept.plan.cards.items():
        path = kept.plan.root / "data" / dataset / "source.json"
        pins = {(s.file, s.sha256) for s in card.sources if s.sha256}
        pins |= {(own.name, sha256(own)) for own in map(Path, kept.plan.own_files(dataset))}
        pinned = {file: sorted(digest for other, digest in pins if other == file) for file, _ in pins}
        for file in read_json(path)["files"]:
            name = file["file"].rpartition("/")[2]  # own files are recorded with their folder
            if name in pinned and file["sha256"] not in pinned[name]:
                expected = f"{name} with sha256 {' or '.join(pinned[name])}"
                yield Finding("sources", dataset, kept.below(path), expected, f"sha256 {file['sha256']}")


def prepared(kept: Kept) -> Iterator[Finding]:
    """The arrays have the fingerprints of their card; the card says what the suite says; its counts are those there."""
    for dataset, variant in kept.plan.variants:
        data = kept.prepared(kept.plan.root / "data" / dataset / variant)
        where, files = f"{dataset}/{variant}", kept.below(data.folder)
        stated, found = data.card["fingerprints"], {name: fingerprint(a) for name, a in data.arrays.items()}
        for name in sorted(stated.keys() | found.keys()):
            if stated.get(name) != found.get(name):
                expected, seen = (f"{name} with fingerprint {d.get(name)}" for d in (stated, found))
                yield Finding("data", where, f"{files}/data.npz", expected, seen)
        for expected, seen in _card(kept, dataset, data):
            yield Finding("data", where, f"{files}/card.json", expected, seen)


def _card(kept: Kept, dataset: str, data: Prepared) -> Iterator[tuple[str, str]]:
    said = data.card
    free = (*GROWN, "sources") if kept.plan.own(dataset) else GROWN  # paths of own files are relative to somewhere
    for name, value in kept.plan.card(dataset).model_dump(mode="json").items():
        if name not in free and value not in (None, "", [], ()) and said["card"].get(name) != value:
            yield f"{name} {value}, as of the suite", f"{said['card'].get(name)}"
    source = read_json(kept.plan.root / "data" / dataset / "source.json")
    for name in ("status", "files"):
        if name in said and said[name] != source[name] and source["status"] == "ok" == said["status"]:
            yield f"the {name} of source.json", "others"
    if said["status"] == "ok" and said["counts"] != (found := _counts(data.arrays, said["facts"]["class_names"])):
        yield f"counts {said['counts']}", f"{found} in data.npz"
    sizes = {f"n_{title}": sum(rows.values()) for title, rows in said["counts"].items()}
    for name, value in (sizes | {"classes": len(said["facts"].get("class_names", ()))} if sizes else {}).items():
        if said["facts"].get(name) != value:
            yield f"{name} {value}, as of its counts", f"{said['facts'].get(name)}"


def _counts(arrays: Arrays, classes: list[str]) -> dict[str, dict[str, int]]:
    label, split = arrays["label"], arrays["split"]
    return {
        title: dict(zip(classes, np.bincount(label[split == part], minlength=len(classes)).tolist(), strict=False))
        for part, title in enumerate(SPLITS)
    }


def rows(case: Case) -> Iterator[Finding]:
    """Embeddings have a row for every sample, in order; predictions are of the test rows and of no other, in order."""
    if case.arrays("embeddings"):
        yield from _rows(case, "embeddings", case.arrays("embeddings"), case.prepared().arrays)
    for role in (role for role in SCORED.values() if role in case.files and case.arrays(role)):
        data = case.prepared("robustness_data" if role == "robustness_predictions" else "data").arrays
        test = data["split"] == 1
        yield from _rows(case, role, case.arrays(role), {name: data[name][test] for name in ("id", "label")})


def _rows(case: Case, role: str, found: Arrays, expected: dict[str, Any]) -> Iterator[Finding]:
    for name in (name for name in ROWS if name in expected):
        if not np.array_equal(found[name], expected[name]):
            where = f"{case.place(role)}: {name}"
            yield Finding(
                "rows", case.name, where, "those of the prepared data, in order", _apart(found[name], expected[name])
            )


def _apart(found: np.ndarray, expected: np.ndarray) -> str:
    if len(found) != len(expected):
        return f"{len(found)} rows instead of {len(expected)}"
    return f"{int((found != expected).sum())} of {len(found)} rows are others"
