"""Pretrain one cell: settings and prepared data in, weights, loss history and record out."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from diptych.data.samples import from_arrays
from diptych.fingerprint import digest
from diptych.parts.method import Recipe
from diptych.provenance import commit, environment, peak_memory_mb
from diptych.records import Status, atomic, read_json, read_npz, write_record


class Skipped(RuntimeError):
    """There is nothing to do here; the reason says why."""


def run(
    job: dict[str, Any], *, data: Path, card: Path, encoder: Path, record: Path, history: Path, device: str
) -> None:
    """Train the job's method on the training split; raises Diverged or Skipped."""
    from safetensors.torch import save_file

    from diptych.build import batch_of, build
    from diptych.checkpoint import Checkpoint
    from diptych.embedder import resolve
    from diptych.train import parameters_of, seed_everything, train, visible

    prepared = read_json(card)
    if prepared["status"] != "ok":
        raise Skipped(prepared["reason"])
    device = resolve(device)
    rng = seed_everything(job["seed"], device)
    samples = from_arrays(read_npz(data))
    method = build(job["method"], job["settings"], prepared["facts"]).to(device)
    recipe = Recipe(**job["settings"]["recipe"])
    uses = method.uses | {"label"} if recipe.per_class > 1 else method.uses
    rows = batch_of(samples, np.flatnonzero(samples.split == 0), uses).to(device)
    method.calibrate(visible(rows, method), rng)
    identity = digest([job, prepared["fingerprints"], device], 16)
    checkpoint = Checkpoint(record.parent / "checkpoint.safetensors", identity)
    seen = train(method, rows, recipe, rng, checkpoint)
    method.eval()
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in method.state_dict().items()}
    atomic(encoder, lambda temporary: save_file(state, temporary))
    _write_history(history, seen.step, seen.epoch, seen.loss)
    facts = {
        "device": device,
        "seconds": seen.cost.seconds,
        "cpu_seconds": seen.cost.cpu_seconds,
        "memory_mb": peak_memory_mb(),
        "parameters": parameters_of(method),
        "steps": len(seen.step),
        "samples": seen.samples,
        "stopped_early": seen.stopped_early,
        "final_loss": seen.loss[-1] if seen.loss else None,
    }
    read = {"data": prepared["fingerprints"]} | ({"facts": prepared["facts"]} if "pretrain_on" in job else {})
    write_record(record, _record(job, "ok", "") | facts | read, encoder=encoder, history=history)
    checkpoint.drop()


def blank(
    job: dict[str, Any], *, status: Status, reason: str, traceback: str, encoder: Path, record: Path, history: Path
) -> None:
    """The row of a cell that has no encoder: an empty weight file, an empty history and the reason."""
    # The empty safetensors file, byte for byte: the length of its header, then the header.
    atomic(encoder, lambda temporary: temporary.write_bytes((8).to_bytes(8, "little") + b"{}      "))
    _write_history(history, [], [], [])
    if traceback:
        (record.parent / "pretrain.traceback.txt").write_text(traceback, encoding="utf-8")
    where = {"traceback": str(record.parent / "pretrain.traceback.txt")} if traceback else {}
    write_record(record, _record(job, status, reason) | where, encoder=encoder, history=history)


def _write_history(path: Path, step: list[int], epoch: list[int], loss: list[float]) -> None:
    """The loss of every step, as parquet; written without pandas, whose import takes longer than many cells."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = {"step": np.array(step, np.int64), "epoch": np.array(epoch, np.int64), "loss": np.array(loss, np.float64)}
    arrays = [
        pa.Array.from_buffers(pa.from_numpy_dtype(a.dtype), len(a), [None, pa.py_buffer(a)]) for a in columns.values()
    ]
    table = pa.Table.from_arrays(arrays, names=list(columns))
    atomic(path, lambda temporary: parquet.write_table(table, temporary))


def _record(job: dict[str, Any], status: Status, reason: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    about = {"job": job, "status": status, "reason": reason, "finished": now}
    return about | commit() | {"environment": environment()}
