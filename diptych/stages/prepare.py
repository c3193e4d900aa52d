"""Turn the verified files of a data set into arrays, a split, statistics and a record of them."""

from pathlib import Path
from typing import Any

from diptych.corruptions.base import load, seeded
from diptych.data.card import Card
from diptych.data.own import card_of, read_of
from diptych.data.prepare import SPLITS, Prepared, empty, prepare
from diptych.data.samples import Samples, fingerprint, to_arrays
from diptych.data.sources import restore
from diptych.imputers.base import Unfit, filled, gaps
from diptych.records import read_json, write_json, write_npz


def run(job: dict[str, Any], *, source: Path, data: Path, card: Path) -> None:
    """Write `data` and the record `card`; a data set that could not be had gives empty files with its reason."""
    fetched = read_json(source)
    stated = card_of(job)
    if fetched["status"] != "ok":
        _write_nothing(_record(job, fetched), stated, data, card)
        return
    raw = read_of(job, restore(stated, fetched))
    prepared = prepare(raw, stated, seed=job["seed"], rows=job["rows"])
    samples = prepared.samples
    if job["corruption"]:
        name = job["corruption"]["name"]
        samples = load(name)(samples, job["corruption"]["severity"], seeded(job["dataset"], name, job["seed"]))
    described = _described(prepared)
    if "impute" in job:
        described["facts"] |= {"imputation": _imputation(samples, job["impute"])}
        try:
            samples = filled(samples, job["impute"])
        except Unfit as error:
            reason = {"status": "skipped", "reason": str(error)}
            _write_nothing(_record(job, fetched | reason), stated, data, card)
            return
    fingerprints = _write(samples, data)
    write_json(card, _record(job, fetched) | described | {"fingerprints": fingerprints})


def _imputation(samples: Samples, name: str) -> dict[str, Any]:
    """What the imputer is and how many values of each split it fills."""
    count = gaps(samples).reshape(len(samples), -1).sum(1)
    return {"imputer": name, "filled": {title: int(count[samples.split == s].sum()) for s, title in enumerate(SPLITS)}}


def _write_nothing(record: dict[str, Any], stated: Card, data: Path, card: Path) -> None:
    """No samples, and why."""
    nothing: dict[str, Any] = {name: {} for name in ("facts", "leakage", "counts", "encoding")}
    nothing |= {"card": stated.model_dump(mode="json"), "fingerprints": _write(empty(stated), data)}
    write_json(card, record | nothing)


def _write(samples: Samples, data: Path) -> dict[str, str]:
    arrays = to_arrays(samples)
    write_npz(data, arrays)
    return {name: fingerprint(array) for name, array in arrays.items()}


def _record(job: dict[str, Any], fetched: dict[str, Any]) -> dict[str, Any]:
    return {"job": job, "status": fetched["status"], "reason": fetched["reason"], "files": fetched["files"]}


def _described(prepared: Prepared) -> dict[str, Any]:
    return {
        "card": prepared.card.model_dump(mode="json"),
        "facts": prepared.facts,
        "leakage": prepared.leakage,
        "counts": prepared.counts,
        "encoding": prepared.notes,
    }
