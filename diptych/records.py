"""File contracts between stages: atomic writes, no pickle, and the closed set of statuses."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Status = Literal["ok", "failed", "diverged", "collapsed", "timeout", "oom", "skipped"]
STATUSES: tuple[str, ...] = get_args(Status)
PLACE = ("embedding", "probe", "corruption", "severity", "metric")  # of a score within its cell
SCORE_COLUMNS = (*PLACE, "value", "n", "reason")


class ContractError(ValueError):
    """A file does not hold what its contract says."""


def sha256(path: Path) -> str:
    """Hex digest of a file, read in blocks."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def atomic(path: Path | str, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary neighbour of `path`, then move it into place in one step."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path | str, content: Mapping[str, Any]) -> None:
    """Sorted, indented JSON; NaN and infinity are refused because JSON has no word for them."""
    text = json.dumps(content, sort_keys=True, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_record(path: Path, content: Mapping[str, Any], **made: Path) -> None:
    """The record of a stage, with the sha256 of the files that it made."""
    write_json(path, {**content, "made": {name: sha256(file) for name, file in made.items()}})


def read_json(path: Path | str) -> dict[str, Any]:
    """The object in a JSON file; a clear error names the file when it is broken."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ContractError(f"{path} is not a readable JSON record: {error}") from error
    if not isinstance(content, dict):
        raise ContractError(f"{path} holds a {type(content).__name__}, a JSON object was expected")
    return content


def write_npz(path: Path | str, arrays: Mapping[str, "np.ndarray"]) -> None:
    """Compressed arrays with deterministic bytes; object arrays are refused."""
    import numpy as np

    for name, array in arrays.items():
        if array.dtype == object:
            raise ContractError(f"{path}: array {name} holds Python objects; only plain arrays are stored")
    atomic(path, lambda temporary: _savez(temporary, arrays, np))


def _savez(path: Path, arrays: Mapping[str, "np.ndarray"], np: Any) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **dict(sorted(arrays.items())))


def read_npz(path: Path | str) -> dict[str, "np.ndarray"]:
    """All arrays of an npz file, in memory."""
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ContractError(f"{path} is not a readable npz file: {error}") from error


def write_scores(path: Path | str, scores: "pd.DataFrame") -> None:
    """The long score table; every value is checked against its metric's bounds before it is written."""
    from diptych.metrics.base import check_bounds

    if tuple(scores.columns) != SCORE_COLUMNS:
        raise ContractError(f"{path}: columns {list(scores.columns)}, expected {list(SCORE_COLUMNS)}")
    check_bounds(scores)
    atomic(path, lambda temporary: scores.to_parquet(temporary, index=False))


def read_table(path: Path | str) -> "pd.DataFrame":
    """A parquet table."""
    import pandas as pd

    return pd.read_parquet(path)


def empty_scores() -> "pd.DataFrame":
    """A valid score table without rows, for a cell that has nothing to score."""
    import pandas as pd

    kinds = {"severity": "float64", "value": "float64", "n": "int64"}
    return pd.DataFrame({name: pd.Series(dtype=kinds.get(name, "str")) for name in SCORE_COLUMNS})
