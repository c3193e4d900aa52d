"""Probe frozen embeddings: fitted and tuned on train, scored once on test; plus what needs no fitting."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from diptych.probes.base import Predictions, load
from diptych.records import ContractError, read_json, read_npz, write_record
from diptych.scoring import Place, Sheet, blank, embedded_or_blank, ranks, unit

__all__ = ["blank", "run"]

Array = np.ndarray
CONTROL = "linear"  # the probe that is also fitted on shuffled labels, if it is asked for; else the first


def run(
    job: dict[str, Any],
    *,
    card: Path,
    embeddings: Path,
    embed: Path,
    scores: Path,
    predictions: Path,
    record: Path,
) -> None:
    """Score every embedding by every probe; pass a cell without embeddings on."""
    embedded = embedded_or_blank(job, embed, scores=scores, predictions=predictions, record=record)
    if embedded is None:
        return
    start = time.process_time()
    arrays = _checked(read_npz(embeddings), embedded["embeddings"], embeddings)
    test = arrays["split"] == 1
    sheet = Sheet(arrays["label"][test], arrays["id"][test])
    for name in (name for name in embedded["embeddings"] if not name.endswith("_joint")):
        _probe(sheet, name, arrays, job, read_json(card)["facts"]["classes"])
    _health(sheet, embedded)
    extra = _joint(sheet, arrays, job["seed"]) if "text_joint" in arrays else {}
    sheet.write(scores, predictions)
    about = {"job": job, "status": "ok", "reason": "", "cpu_seconds": time.process_time() - start}
    write_record(record, about | {"fits": sheet.notes} | extra, scores=scores, predictions=predictions)


def _checked(arrays: dict[str, Array], names: list[str], path: Path) -> dict[str, Array]:
    """The arrays of the embedding file; every embedding must have a row per sample, and both splits rows."""
    for name in names:
        if name not in arrays or len(arrays[name]) != len(arrays["label"]):
            raise ContractError(f"{path}: embedding {name} is missing or has another number of rows than `label`")
    for split, title in ((0, "training"), (1, "test")):
        if not (arrays["split"] == split).any():
            raise ValueError(f"{path}: no {title} rows, so nothing can be probed")
    return arrays


def _probe(sheet: Sheet, name: str, arrays: dict[str, Array], job: dict[str, Any], classes: int) -> None:
    """One embedding: every probe on the true labels, one of them on shuffled ones too."""
    train, test = arrays["split"] == 0, arrays["split"] == 1
    z, y = arrays[name], arrays["label"][train]
    groups = arrays["group"][train] if "group" in arrays else None
    control = CONTROL if CONTROL in job["probes"] else job["probes"][0]
    for kind in job["probes"]:
        probe = load(kind)
        prepared = probe.prepare(z[train], z[test])
        sheet.add(Place(name, kind), probe.predict(prepared, y, groups, classes, job["seed"]))
        if kind == control:
            shuffled = np.random.default_rng(job["seed"]).permutation(y)
            found = probe.predict(prepared, shuffled, groups, classes, job["seed"])
            sheet.add(Place(name, kind, "permuted"), found)


def _health(sheet: Sheet, embedded: dict[str, Any]) -> None:
    for name, values in embedded["health"].items():
        for metric, value in values.items():
            sheet.add_value(Place(name, "health"), metric, value, embedded["health_rows"])


def _joint(sheet: Sheet, arrays: dict[str, Array], seed: int) -> dict[str, Any]:
    """Zero-shot classification by prompts, and retrieval both ways over the whole test set."""
    test = arrays["split"] == 1
    image, text, key = unit(arrays["image_joint"][test]), unit(arrays["text_joint"][test]), arrays["key"][test]
    if "prompt_joint" in arrays:
        by_class = image @ unit(arrays["prompt_joint"]).T  # [n_test, classes]
        shuffled = np.random.default_rng(seed).permuted(by_class, axis=1)  # each image meets the prompts in disorder
        for corruption, logits in (("clean", by_class), ("permuted", shuffled)):
            sheet.add(Place("joint", "zero_shot", corruption), Predictions(logits.astype(np.float32), False))
    # Several drawings share the caption of their object: it is one query and one candidate, not several.
    captions = np.unique(key, return_index=True)[1]
    similarity = image @ text[captions].T  # [drawings, captions]
    ways = {
        "retrieval_image_to_text": (similarity, key, key[captions]),
        "retrieval_text_to_image": (similarity.T, key[captions], key),
    }
    for way, (table, query, candidate) in ways.items():
        sheet.add_ranks(Place("joint", way), ranks(table, query, candidate), len(candidate))
    return {"candidates": {way: len(candidate) for way, (_, _, candidate) in ways.items()}}
