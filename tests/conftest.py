"""Fixtures for every test: one thread, no telemetry, a mirror where there is one, no leftovers of caches."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
MIRROR = Path(os.environ.get("DIPTYCH_MIRROR") or PROJECT.parent / "shared" / "mirror")
if MIRROR.is_dir():
    os.environ.setdefault("DIPTYCH_MIRROR", str(MIRROR))


@pytest.fixture
def benchmark_file(tmp_path):
    """Write a benchmark file and return its path."""

    def write(text: str, name: str = "mine.yaml") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write
