"""Every way to fail becomes a status, or stops the run."""

import os
import signal
import time

import pytest

from diptych.supervise import InfrastructureError, supervise


class Diverged(ArithmeticError):
    pass


def _raise(error):
    def work():
        raise error

    return work


def test_a_stage_that_ends_is_ok(tmp_path):
    outcome = supervise(lambda: (tmp_path / "out").write_text("done"), minutes=1, memory_mb=4000)
    assert outcome.status == "ok"
    assert (tmp_path / "out").read_text() == "done"


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RuntimeError("no such luck"), "failed", "RuntimeError: no such luck"),
        (Diverged("the loss became nan"), "diverged", "the loss became nan"),
        (MemoryError("full"), "oom", "full"),
    ],
)
def test_an_error_becomes_its_status(error, status, reason):
    outcome = supervise(_raise(error), minutes=1, memory_mb=4000)
    assert (outcome.status, outcome.reason) == (status, reason)
    assert "Traceback" in outcome.traceback


def test_a_broken_disk_stops_the_run():
    with pytest.raises(InfrastructureError, match="No space left"):
        supervise(_raise(OSError(28, "No space left on device")), minutes=1, memory_mb=4000)


def test_too_long_is_a_timeout():
    start = time.monotonic()
    outcome = supervise(lambda: time.sleep(60), minutes=0.01, memory_mb=4000)
    assert outcome.status == "timeout"
    assert time.monotonic() - start < 10


def test_too_much_memory_is_oom():
    def hoard():
        kept = bytearray(600 * 2**20)
        kept[::4096] = b"x" * len(kept[::4096])
        time.sleep(60)

    outcome = supervise(hoard, minutes=1, memory_mb=400)
    assert outcome.status == "oom"
    assert "limit is 400 MB" in outcome.reason


def test_a_process_that_dies_is_a_row():
    outcome = supervise(lambda: os._exit(7), minutes=1, memory_mb=4000)
    assert outcome.status == "failed"
    assert supervise(lambda: os.kill(os.getpid(), signal.SIGKILL), minutes=1, memory_mb=4000).status == "oom"
