"""The warm parent runs a stage as its client would, and neither outlives the other."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from diptych import warm

PARENT = """
import os, pathlib, socket, sys, time
from diptych import warm

def run(arguments):
    if arguments[0] == "say":
        print(os.getcwd(), os.environ["WORD"])
        return 3
    if arguments[0] == "fail":
        raise LookupError("no such luck")
    pathlib.Path(arguments[1]).write_text(str(os.getpid()))
    time.sleep(60)

warm.PRELOAD = ()
warm.serve(socket.socket(fileno=int(sys.argv[1])), run)
"""
STARTER = """
import os, time
from diptych import warm
parent = warm.start()
print(parent.pid, os.environ[warm.SOCKET], flush=True)
time.sleep(60)
"""
CLIENT = "import sys; from diptych.warm import ask; sys.exit(ask(sys.argv[1:]))"


def _until(happened, seconds=10):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def parent(tmp_path):
    """A parent, and the environment of its clients."""
    address = tmp_path / "folder" / "warm"
    address.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen()
        command = [sys.executable, "-c", PARENT, str(listener.fileno())]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[listener.fileno()])
    process.environment = os.environ | {warm.SOCKET: str(address), warm.PREFIX: sys.prefix, "WORD": "hello"}
    yield process
    process.stdin.close()
    assert process.wait(10) == 0
    assert not address.parent.exists()


def _client(parent, *arguments, **more):
    return subprocess.Popen([sys.executable, "-c", CLIENT, *arguments], env=parent.environment, **more)


def test_folder_environment_streams_and_exit_code_are_the_clients(parent, tmp_path):
    client = _client(parent, "say", stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert client.communicate()[0].split() == [str(tmp_path), "hello"]
    assert client.returncode == 3


def test_an_error_ends_the_stage_not_the_parent(parent):
    client = _client(parent, "fail", stderr=subprocess.PIPE, text=True)
    assert "LookupError: no such luck" in client.communicate()[1]
    assert client.returncode == 1
    assert _client(parent, "say", stdout=subprocess.DEVNULL).wait() == 3


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_client_takes_its_worker_along(parent, tmp_path, how):
    client = _client(parent, "wait", str(tmp_path / "pid"))
    _until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    worker = int((tmp_path / "pid").read_text())
    client.send_signal(how)
    client.wait()
    _until(lambda: _gone(worker))


def test_a_worker_that_is_killed_fails_its_client(parent, tmp_path):
    client = _client(parent, "wait", str(tmp_path / "pid"))
    _until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert client.wait(10) != 0


def test_the_parent_ends_with_the_process_that_started_it(tmp_path):
    starter = subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True)
    pid, address = starter.stdout.readline().split()
    starter.kill()
    starter.communicate()
    _until(lambda: _gone(int(pid)) and not Path(address).parent.exists(), seconds=60)


def test_another_python_or_a_missing_parent_leaves_the_stage_to_its_client(monkeypatch, tmp_path):
    monkeypatch.setenv(warm.SOCKET, str(tmp_path / "warm"))
    monkeypatch.setenv(warm.PREFIX, sys.prefix)
    assert warm.ask(["say"]) is None
    monkeypatch.setenv(warm.PREFIX, "/another")
    assert warm.ask(["say"]) is None
