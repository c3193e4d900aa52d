"""Runs a stage in a child process under a time and a memory limit, so that every way to fail becomes a status."""

import json
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import psutil

from diptych.records import ContractError, Status

POLL_SECONDS = 0.5  # a look at memory walks over all processes of the machine: ten a second cost 3 % of a core
LONGEST = 8000  # characters of a reason or traceback: the pipe must hold both, nobody reads it while the stage runs
# Raised by name, so that this module needs neither torch nor the stages.
EXPECTED: dict[str, Status] = {
    "Diverged": "diverged",
    "Collapsed": "collapsed",
    "Skipped": "skipped",
    "Unavailable": "skipped",
    "MemoryError": "oom",
    "OutOfMemoryError": "oom",
}


class InfrastructureError(RuntimeError):
    """A broken disk or record: the run must stop, not store a row."""


@dataclass(frozen=True)
class Outcome:
    """How a stage ended."""

    status: Status
    reason: str = ""
    traceback: str = ""


def supervise(stage: Callable[[], None], *, minutes: float, memory_mb: float) -> Outcome:
    """Fork (before anything heavy is imported), run the stage, and watch it."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(stage, sender))
    sys.stdout.flush()
    sys.stderr.flush()
    child.start()
    sender.close()
    previous = signal.signal(signal.SIGTERM, lambda *_: _stop_both(child))
    try:
        stopped = _watch(child, deadline=time.monotonic() + minutes * 60, memory_mb=memory_mb)
    finally:
        signal.signal(signal.SIGTERM, previous)
        if child.is_alive():
            _kill(child)
    return stopped or _ended(child, receiver)


def _run(stage: Callable[[], None], sender: Connection) -> None:
    """The child: run, and say how it ended."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        stage()
        message: dict[str, str] = {"status": "ok"}
    except (ContractError, OSError) as error:
        message = {"infrastructure": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    except Exception as error:
        status = EXPECTED.get(type(error).__name__, "failed")
        reason = str(error) if status != "failed" else f"{type(error).__name__}: {error}"
        message = {"status": status, "reason": reason, "traceback": traceback.format_exc()}
    message = {key: text[-LONGEST:] if key == "traceback" else text[:LONGEST] for key, text in message.items()}
    if "traceback" in message:
        print(message["traceback"], file=sys.stderr, flush=True)
    sender.send_bytes(json.dumps(message).encode())
    sender.close()


def _watch(child: BaseProcess, *, deadline: float, memory_mb: float) -> Outcome | None:
    """None once the child has ended by itself, else the limit that stopped it."""
    assert child.pid is not None
    process = psutil.Process(child.pid)
    start = time.monotonic()
    while child.is_alive():
        if time.monotonic() > deadline:
            _kill(child)
            return Outcome("timeout", f"stopped after the limit of {(deadline - start) / 60:g} minutes")
        if (used := _resident_mb(process)) > memory_mb:
            _kill(child)
            return Outcome("oom", f"stopped at {used:.0f} MB of resident memory; the limit is {memory_mb:g} MB")
        child.join(POLL_SECONDS)
    return None


def _ended(child: BaseProcess, receiver: Connection) -> Outcome:
    try:
        message = json.loads(receiver.recv_bytes())
    except EOFError:
        return _killed(child.exitcode)
    finally:
        child.join()
    if "infrastructure" in message:
        raise InfrastructureError(message["infrastructure"])
    return Outcome(message["status"], message.get("reason", ""), message.get("traceback", ""))


def _killed(exitcode: int | None) -> Outcome:
    """A child that could not say how it ended: the kernel's out-of-memory killer uses SIGKILL."""
    if exitcode == -signal.SIGKILL:
        return Outcome("oom", "killed by the system (SIGKILL), most likely out of memory")
    return Outcome("failed", f"the process died with exit code {exitcode}")


def _resident_mb(process: psutil.Process) -> float:
    try:
        family = [process, *process.children(recursive=True)]
        return float(sum(member.memory_info().rss for member in family)) / 2**20
    except psutil.Error:
        return 0.0


def _kill(child: BaseProcess) -> None:
    child.kill()
    child.join()


def _stop_both(child: BaseProcess) -> None:
    """A stopped job (Ctrl-C, a cluster's SIGTERM) leaves no orphan behind and stores nothing."""
    _kill(child)
    os._exit(143)
