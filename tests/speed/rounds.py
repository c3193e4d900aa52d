"""Fair timing of several ways to do the same: in turn, round after round, the fastest round of each."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

ROUNDS = 9


def fastest(ways: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """CPU seconds of each way's fastest round; the first round only warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            start = time.process_time()  # the machine may be shared: waiting does not count
            way()
            seconds[name].append(time.process_time() - start)
    return {name: min(found[1:]) for name, found in seconds.items()}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print left-aligned names and right-aligned figures."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        cells = (c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        print("  ".join(cells).rstrip())
