import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sourced import card_with, files_in, sha256

from diptych.data._cache import cached
from diptych.data.card import Source
from diptych.data.samples import from_arrays
from diptych.data.sources import Damaged, Unreachable, fetch, restore
from diptych.records import read_json, read_npz
from diptych.stages import download, prepare

GOOD, BAD = b"what was published", b"what an attacker sent"


class Server(ThreadingHTTPServer):
    """Serves GOOD; `/short` breaks off, `/other` serves BAD, `/absent` is not there."""

    hits = 0
    delay = 0.0

    def handle_error(self, request, client_address):
        """A client that was killed or gave up is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.hits += 1
        time.sleep(self.server.delay)
        if self.path == "/absent":
            self.send_error(404)
            return
        content = BAD if self.path == "/other" else GOOD
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:4] if self.path == "/short" else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def at(server, path="/good", **changes) -> Source:
    url = f"http://127.0.0.1:{server.server_port}{path}"
    return Source(**({"kind": "url", "file": "f.bin", "url": url, "sha256": sha256(GOOD)} | changes))


def test_downloaded_file_is_verified_cached_and_reused(cache, server, capfd):
    card = card_with(at(server))
    first, second = fetch(card), fetch(card)
    assert capfd.readouterr() == ("", "")
    assert first == second
    assert first[0].path == cache / sha256(GOOD) / "f.bin"
    assert first[0].path.read_bytes() == GOOD
    assert server.hits == 1


@pytest.mark.parametrize(("path", "found"), [("/other", sha256(BAD)), ("/short", "[0-9a-f]{64}")])
def test_wrong_download_names_both_hashes_and_leaves_nothing(cache, server, path, found):
    with pytest.raises(Damaged, match=f"f.bin from http.*expected sha256 {sha256(GOOD)}, found {found}"):
        fetch(card_with(at(server, path)))
    assert files_in(cache) == []


@pytest.mark.parametrize("content", [GOOD[:5], b""], ids=["truncated", "empty"])
def test_damaged_mirror_is_an_error_although_another_source_is_fine(cache, server, tmp_path, content):
    (tmp_path / "mirror" / "some").mkdir(parents=True)
    (tmp_path / "mirror" / "some" / "f.bin").write_bytes(content)
    with pytest.raises(Damaged, match=f"f.bin from mirror.*{sha256(GOOD)}.*{sha256(content)}"):
        fetch(card_with(at(server)), mirror=tmp_path / "mirror")
    assert files_in(cache) == []
    assert server.hits == 0


def test_mirror_comes_first_and_by_the_cards_folder(cache, server, tmp_path, monkeypatch):
    (tmp_path / "mirror" / "elsewhere").mkdir(parents=True)
    (tmp_path / "mirror" / "elsewhere" / "f.bin").write_bytes(GOOD)
    monkeypatch.setenv("DIPTYCH_MIRROR", str(tmp_path / "mirror"))
    (found,) = fetch(card_with(at(server), mirror="elsewhere"))
    assert (found.origin, server.hits) == ("mirror", 0)


def test_damaged_cache_entry_is_fetched_again(cache, server, capsys):
    card = card_with(at(server))
    (found,) = fetch(card)
    found.path.write_bytes(b"bit rot")
    assert fetch(card)[0].path.read_bytes() == GOOD
    assert server.hits == 2
    assert sha256(b"bit rot") in capsys.readouterr().err


def test_unreachable_tells_every_source_that_was_tried(cache, server, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    npm = Source(kind="npm", file="p.tgz", package="p", version="1", sha256="0" * 64, option="npm")
    refused = at(server, url="http://127.0.0.1:9/closed", option="closed")
    with pytest.raises(Unreachable) as error:
        fetch(card_with(at(server, "/absent"), refused, npm), mirror=tmp_path)
    for reason in ("the mirror has no", "/absent", "404", "/closed", "npm is not installed"):
        assert reason in str(error.value)


def test_options_are_alternatives_and_never_mixed(cache, server):
    whole = [at(server, file="a", option="one"), at(server, "/absent", file="b", sha256="1" * 64, option="one")]
    other = at(server, "/other", file="c", sha256=sha256(BAD), option="two")
    assert [found.file for found in fetch(card_with(*whole, other))] == ["c"]


def test_two_downloads_at_once_fetch_a_file_once(cache, server):
    server.delay = 0.2
    card = card_with(at(server))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fetch(card)[0].path.read_bytes(), range(4)))
    assert found == [GOOD] * 4
    assert server.hits == 1


def test_killed_download_leaves_nothing_that_is_trusted(cache, server):
    server.delay = 30
    card = card_with(at(server)).model_dump(mode="json")
    code = f"from diptych.data.card import Card; from diptych.data.sources import fetch; fetch(Card(**{card}))"
    process = subprocess.Popen([sys.executable, "-c", code])
    while not server.hits:
        time.sleep(0.02)
    process.kill()
    process.wait()
    server.delay = 0
    assert cached("f.bin", sha256(GOOD)) is None
    assert fetch(card_with(at(server)))[0].path.read_bytes() == GOOD


# ------------------------------------------------------------------ a registry's client, with a folder as the registry


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A real wheel in a local folder that pip is told to use as its only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    path = folder / "diptychwheel-1.0-py3-none-any.whl"
    info = "diptychwheel-1.0.dist-info"
    parts = {
        "diptychwheel/data.csv": "a,b\n1,2\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: diptychwheel\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return path


def pinned(wheel, digest: str) -> Source:
    return Source(kind="pypi", file=wheel.name, package="diptychwheel", version="1.0", python="3.11", sha256=digest)


def test_wheel_is_downloaded_by_pip_and_not_installed(cache, wheel, capfd):
    digest = sha256(wheel.read_bytes())
    (found,) = fetch(card_with(pinned(wheel, digest)))
    assert capfd.readouterr() == ("", "")
    assert (found.sha256, found.origin) == (digest, "pypi diptychwheel==1.0")
    assert files_in(cache) == [".origin", wheel.name]


def test_wheel_that_is_not_the_pinned_one_names_both_hashes(cache, wheel):
    with pytest.raises(Damaged, match=f"expected sha256 {'0' * 64}, found {sha256(wheel.read_bytes())}"):
        fetch(card_with(pinned(wheel, "0" * 64)))
    assert files_in(cache) == []


def test_version_that_the_registry_lacks_is_unreachable(cache, wheel):
    source = pinned(wheel, "0" * 64).model_copy(update={"version": "2.0"})
    with pytest.raises(Unreachable, match="No matching distribution"):
        fetch(card_with(source))


# ------------------------------------------------------------------ stages


def job(**changes):
    return {"stage": "prepare", "dataset": "darwin", "own": None, "seed": 0, "rows": None, "corruption": None} | changes


@pytest.fixture
def unreachable(monkeypatch):
    """No source but the mirror: addresses are refused."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")


def test_unreachable_data_set_is_skipped_with_valid_empty_files(cache, unreachable, tmp_path):
    source, data, card = (tmp_path / name for name in ("source.json", "data.npz", "card.json"))
    download.run(job(mirror=str(tmp_path / "nowhere")), source=source)
    record = read_json(source)
    assert record["status"] == "skipped"
    assert "the mirror has no" in record["reason"]
    assert "mirror" not in record["job"]
    prepare.run(job(), source=source, data=data, card=card)
    assert (read_json(card)["status"], read_json(card)["reason"]) == ("skipped", record["reason"])
    assert len(from_arrays(read_npz(data))) == 0


def test_damaged_file_stops_the_download_and_leaves_no_record(cache, unreachable, tmp_path):
    (tmp_path / "darwin").mkdir()
    (tmp_path / "darwin" / "Darwin.csv").write_text("ID,class\n")
    source = tmp_path / "source.json"
    source.write_text("{}")
    with pytest.raises(Damaged, match="Darwin.csv from mirror"):
        download.run(job(mirror=str(tmp_path)), source=source)
    assert not source.exists()
    assert files_in(cache) == []


def test_preparation_fetches_again_what_left_the_cache(cache, server):
    card = card_with(at(server))
    (found,) = fetch(card)
    record = {"files": [{"file": found.file, "sha256": found.sha256}]}
    found.path.unlink()
    assert restore(card, record)["f.bin"].read_bytes() == GOOD
