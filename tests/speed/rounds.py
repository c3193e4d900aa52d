"""Fair timing of several ways to do the same: in turn, round after round, in CPU time."""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

ROUNDS = 9
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def fastest(ways: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """CPU seconds of each way's fastest round; the first round only warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            start = time.process_time()  # the machine may be shared: waiting does not count
            way()
            seconds[name].append(time.process_time() - start)
    return {name: min(found[1:]) for name, found in seconds.items()}


class Contestant(Protocol):
    """One way to do a long piece of work; made, with its imports and its data, in a process of its own."""

    def work(self, seed: int) -> None:
        """What is timed."""

    def outcome(self) -> Any:
        """What the last work gave; not timed."""


@dataclass(frozen=True)
class Lap:
    """A contestant's turn of a round."""

    seconds: float  # CPU
    outcome: Any


def race(ways: Mapping[str, Callable[[], Contestant]], rounds: int) -> dict[str, list[Lap]]:
    """Each contestant in its own process of one thread, so that none inherits another's settings; one runs at a time.

    The number of the round is the seed of its work.
    """
    os.environ |= ONE_THREAD
    with ExitStack() as stack:
        pools = {name: stack.enter_context(_process(make)) for name, make in ways.items()}
        laps = [{name: pool.submit(_lap, seed).result() for name, pool in pools.items()} for seed in range(rounds)]
    return {name: [lap[name] for lap in laps] for name in ways}


def _process(make: Callable[[], Contestant]) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), _enter, (make,))


_present: list[Contestant] = []  # in a contestant's process: itself


def _enter(make: Callable[[], Contestant]) -> None:
    _present.append(make())


def _lap(seed: int) -> Lap:
    start = time.process_time()
    _present[0].work(seed)
    return Lap(time.process_time() - start, _present[0].outcome())


def ratios(slow: Sequence[Lap], fast: Sequence[Lap]) -> list[float]:
    """How many times the CPU seconds of `fast` each turn of `slow` took, round by round."""
    return [a.seconds / b.seconds for a, b in zip(slow, fast, strict=True)]


def verdict(what: str, found: Sequence[float], goal: float) -> bool:
    """Print the ratios against the goal; whether their median reaches it."""
    middle = statistics.median(found)
    print(f"{what}: ×{middle:.2f} in the median, ×{min(found):.2f} at least; the goal is ×{goal:g}")
    return middle >= goal


def official_code(about: str | None) -> Path:
    """The folder of the official code, which is the only argument; `about` is the usage."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(f"usage: {Path(sys.argv[0]).name} FOLDER_OF_THE_OFFICIAL_CODE\n\n{about}")
    return Path(sys.argv[1]).absolute()


def machine(*packages: str) -> None:
    """Print where this runs."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"{_processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}; one thread each")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print left-aligned names and right-aligned figures."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        cells = (c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        print("  ".join(cells).rstrip())
