"""Where a number came from: commit, environment, lock file, cost."""

import platform
import resource
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from diptych.records import sha256

PROJECT = Path(__file__).parent.parent
LOCK = PROJECT / "requirements.lock"
NOTED = ("torch", "numpy", "scikit-learn", "xgboost-cpu", "xgboost", "pandas", "snakemake", "mlflow", "diptych")


def commit() -> dict[str, Any]:
    """The commit of the project and whether files differ from it; empty outside a checkout."""
    head = _git("rev-parse", "HEAD")
    return {"commit": head, "dirty": bool(_git("status", "--porcelain", "--untracked-files=no"))} if head else {}


def environment() -> dict[str, Any]:
    """Python, platform, the versions that shape numbers, and the lock file's digest."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "versions": {name: v for name in NOTED if (v := _version(name))},
        "lock": sha256(LOCK) if LOCK.exists() else "",
        "command": sys.argv[0].rpartition("/")[2],
    }


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2**20 if sys.platform == "darwin" else used / 2**10


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _git(*words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(PROJECT), *words], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
