"""A warm parent: imports the heavy libraries once and forks a worker per stage, so that a small cell starts at once.

Snakemake's `onstart` calls `start`; every `python -m diptych STAGE …` of that run then hands its arguments, folder,
environment and streams over a unix socket (`ask`) and waits for the exit code. Without a parent a stage runs itself;
the results are the same. A client that dies takes its worker along, and the parent ends with the process that started
it: both notice the end of a stream, so nothing is left behind even after `kill -9`.
"""

import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

SOCKET, PREFIX = "DIPTYCH_WARM", "DIPTYCH_WARM_PREFIX"  # environment: where the parent listens, whose Python it is
POLL_SECONDS = 0.02
# What stages import; an import that runs no tensor operation and starts no thread is safe to fork.
PRELOAD = (
    "torch",
    "torch._dynamo",  # every torch optimiser imports it
    "safetensors.torch",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.neighbors",
    "sklearn.svm",
    "xgboost",
    "pandas",
    "pyarrow.parquet",
    "tokenizers",
    "mlflow",
)


def use_this_python() -> None:
    """`python` in a rule is the one that runs Snakemake, even if its environment is not activated.

    Another one would find this folder's diptych, but none of its libraries, and call every source unreachable. Conda's
    environments still come first.
    """
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def start() -> subprocess.Popen[bytes]:
    """Start a parent that ends with this process, and tell the jobs of this process where it listens."""
    address = str(Path(tempfile.mkdtemp(prefix="diptych-")) / "warm")  # only its owner may enter the folder
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(128)
        command = [sys.executable, "-m", "diptych.warm", str(listener.fileno())]
        parent = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, pass_fds=[listener.fileno()])
    os.environ.update({SOCKET: address, PREFIX: sys.prefix})
    return parent


def ask(arguments: list[str]) -> int | None:
    """The exit code of `diptych ARGUMENTS` run by the parent; None where none of this Python listens."""
    if os.environ.get(PREFIX) != sys.prefix:
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(os.environ[SOCKET])
        except OSError:
            return None
        request = {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
        socket.send_fds(connection, [b"\n"], [0, 1, 2])
        connection.sendall(json.dumps(request).encode() + b"\n")
        answer = connection.recv(1)
    if not answer:
        raise RuntimeError("the warm parent ended before this stage did")
    return answer[0]


def serve(listener: socket.socket, run: Callable[[list[str]], int]) -> None:
    """Fork a handler per request, until stdin ends."""
    for module in PRELOAD:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # handlers are reaped by the system
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _handle(connection, run)
        connection.close()
    shutil.rmtree(Path(listener.getsockname()).parent)


def _handle(connection: socket.socket, run: Callable[[list[str]], int]) -> NoReturn:
    """Fork the worker, wait for it or for the client's end, and answer."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as file:
        request = json.loads(file.readline())
    worker = os.fork()
    if worker == 0:
        connection.close()
        _work(request, streams, run)
    code = _wait(worker, connection)
    connection.sendall(bytes([code]))
    os._exit(0)


def _wait(worker: int, client: socket.socket) -> int:
    """The worker's exit code; a worker whose client has gone is stopped, with all that it started."""
    while True:
        ended, status = os.waitpid(worker, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) & 0xFF
        if select.select([client], [], [], POLL_SECONDS)[0]:  # a client never writes twice: this is its end
            os.killpg(worker, signal.SIGTERM)
            os.waitpid(worker, 0)
            os._exit(1)


def _work(request: dict[str, object], streams: list[int], run: Callable[[list[str]], int]) -> NoReturn:
    """Become the client: its folder, environment and streams; then run."""
    os.setsid()
    os.chdir(str(request["folder"]))
    environment, arguments = request["environment"], request["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    try:
        code = run(arguments)
    except SystemExit as error:  # wrong arguments; argparse has said so
        code = int(error.code or 0)
    except BaseException:  # whatever it is, a worker must not return into the parent's loop
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    from diptych.__main__ import execute, settle

    settle()
    serve(socket.socket(fileno=int(sys.argv[1])), execute)
