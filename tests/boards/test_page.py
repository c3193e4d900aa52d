import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from boards.conftest import ODD, content
from diptych.boards import links

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
QUIET += ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"]
ITS_OWN = (".google.com", ".googleapis.com", ".gvt1.com")  # what the browser asks its maker at every start


class Links(HTMLParser):
    """Collects elements, addresses and ids; unclosed or crossed elements are an error."""

    EMPTY = frozenset({"meta", "link", "br", "img", "hr"})

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.addresses, self.ids = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.addresses += [v for k, v in found.items() if k in ("href", "src", "xlink:href", "srcset", "action") and v]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html(ran):
    return content(ran.folder / "report.html")


@pytest.fixture(scope="module")
def parsed(html):
    found = Links()
    found.feed(html)
    assert not found.open
    return found


def test_page_loads_nothing(parsed, html):
    below = re.compile("(#|data:|(methods|datasets)/[A-Za-z0-9_-]+[.]html(#[A-Za-z0-9_-]+)?$|[.][.]/index.html$)")
    assert all(below.match(address) for address in parsed.addresses)
    assert "script" not in parsed.tags  # beside the two of every page
    assert "default-src 'none'" in html
    assert "@import" not in html
    assert not re.search(r"url\((?!['\"]?(#|data:))", html)


def test_names_are_text_everywhere(parsed, html):
    assert "img" not in parsed.tags
    assert "b" in parsed.tags  # the page's own
    assert ODD not in html
    assert html.count("&lt;script&gt;alert(1)") > 5
    assert "the loss became nan &lt;img src=x&gt;" in html
    assert "<i>b" not in html


def test_every_inner_link_has_its_target_and_every_id_is_unique(parsed):
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {a[1:] for a in parsed.addresses if a.startswith("#")} <= set(parsed.ids)


def test_page_shows_what_it_promises(html, ran):
    for heading in ("In plain sight", "Leaderboard", "Published numbers", "Robustness", "Score against cost", "Grids"):
        assert heading in html
    cell = ran.world.cells[0]
    run_id = ran.board.cells.set_index("cell").loc[cell.path, "run_id"]
    for evidence in ("How to read this", "not measured", "CC0", "first report"):
        assert evidence in html
    page = content(ran.folder / links.method_page(cell.method))
    for evidence in (f"runs/{cell.path}", run_id, "diptych pretrain", "diptych probe", "diptych robustness"):
        assert evidence in page
    assert "Nobody (2026)" in content(ran.folder / links.dataset_page(cell.dataset))
    assert html.count("<svg") == 6


def test_agreement_with_published_numbers_and_what_cannot_be_compared_are_shown(html, ran):
    feed = json.loads((ran.folder / "leaderboard.json").read_text(encoding="utf-8"))
    (line,) = feed["agreement"]
    own = [c["difference"] for c in feed["claims"] if c["counts"] and c["seeds"]]
    assert (line["method"], line["kind"], line["datasets"]) == ("raw", "published", 1)
    assert line["difference"] == pytest.approx(sum(own) / len(own))
    text = (ran.folder / "leaderboard.md").read_text(encoding="utf-8")
    for page in (html, text):
        assert "not reproducible here: data" in page
        assert "accuracy 0.9037" in page
        assert "mean |difference|" in page.replace("\\", "")
        assert "data of nobody" not in page  # a method that this benchmark does not have


def test_writing_the_page_again_gives_the_same_bytes(ran, tmp_path, html):
    from diptych.boards import page

    page.write(ran.board, tmp_path, "")
    assert content(tmp_path / "report.html") == html


@pytest.fixture(scope="module")
def rendered(ran, tmp_path_factory):
    """The page in headless Chromium: its document, its console, and every request it made."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine (Debian package chromium)")
    home = tmp_path_factory.mktemp("chromium")
    log, shot = home / "net.json", home / "page.png"
    options = [f"--user-data-dir={home / 'profile'}", f"--log-net-log={log}", "--enable-logging=stderr"]
    options += ["--window-size=1280,1600", f"--screenshot={shot}", "--dump-dom", "--virtual-time-budget=3000"]
    page = (ran.folder / "report.html").resolve().as_uri()
    done = subprocess.run([CHROMIUM, *QUIET, *options, page], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr, log.read_text(encoding="utf-8"), shot


@pytest.mark.browser
def test_chromium_renders_it_without_a_console_message(rendered):
    document, console, _, shot = rendered
    assert "In plain sight" in document
    assert "CONSOLE" not in console
    assert shot.stat().st_size > 50_000


@pytest.mark.browser
def test_chromium_makes_no_request_for_it(rendered):
    hosts = set(re.findall(r'"url":"(?:https?|wss?)://([^/"]+)', rendered[2]))
    assert {host for host in hosts if not host.endswith(ITS_OWN)} == set()


@pytest.mark.browser
def test_the_page_is_as_wide_as_the_window_and_not_blank(rendered):
    import matplotlib.image

    pixels = matplotlib.image.imread(rendered[3])  # [height, width, channels]
    assert pixels.shape[:2] == (1600, 1280)
    right = pixels[:, -8:, :3].reshape(-1, 3)
    assert right.std(0).max() < 0.05  # nothing runs over the right edge
    assert pixels[..., :3].std() > 0.05


def test_feed_is_valid_json_without_nan(ran):
    text = (ran.folder / "leaderboard.json").read_text(encoding="utf-8")
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
