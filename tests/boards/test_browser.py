"""Pages in headless Chromium: they sort, filter, download and link, and neither complain nor ask for anything."""

import csv
import json
import shutil
import time

import pytest

from boards.conftest import ODD, content
from diptych.boards import links, site
from diptych.boards.frame import GRID_POINT
from diptych.boards.ranking import leaderboard
from diptych.boards.tables import Entry, Table, number_entry

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
ROWS = 2000
HOSTILE = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"quoted' & <b>b</b>", "&lt;i&gt; =1+1")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="the driver playwright is not installed")
    if not CHROMIUM:
        pytest.skip("no chromium on this machine (Debian package chromium)")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def visit(browser):
    """Opens a page in a window of its own; afterwards nothing may have been said, shown or asked for."""
    said, asked, windows = [], [], []

    def opened(file, anchor="", **options):
        window = browser.new_context(accept_downloads=True, **options)
        windows.append(window)
        page = window.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.resolve().as_uri() + anchor)
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]")
        return page

    yield opened
    for window in windows:
        window.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.fixture(scope="module")
def report(ran):
    return ran.folder / "report.html"


def column(page, name, number):
    """The texts of a column of a named table, top to bottom."""
    page.locator(f"#t-{name}").scroll_into_view_if_needed()
    page.wait_for_selector(f"#t-{name}.dataTable")
    return page.locator(f"#t-{name} tbody tr td:nth-child({number})").all_inner_texts()


def heading(page, name, number):
    return page.locator(f"#t-{name} thead th:nth-child({number})")


def test_numbers_sort_by_value_and_what_is_missing_stands_last(visit, tmp_path):
    values = [9.5, 10.25, float("nan"), -3.0, 1234.0, 0.1234, 0.12341]
    site.write(tmp_path / "t.html", "index.html", {"table": many(values)})
    page = visit(tmp_path / "t.html")
    order = sorted(range(len(values)), key=lambda i: (values[i] != values[i], values[i]))
    down = [f"row {i}" for i in sorted(order, key=lambda i: (values[i] != values[i], -values[i]))]
    column(page, "benchmarks", 1)
    heading(page, "benchmarks", 2).click()
    assert column(page, "benchmarks", 1) == down
    heading(page, "benchmarks", 2).click()
    assert column(page, "benchmarks", 1) == [f"row {i}" for i in order]


def test_a_table_is_sorted_by_keys(visit, tmp_path):
    site.write(tmp_path / "t.html", "index.html", {"table": many([2.0, 3.0, 1.0])})
    page = visit(tmp_path / "t.html")
    column(page, "benchmarks", 1)
    heading(page, "benchmarks", 2).locator("[role=button]").first.focus()
    page.keyboard.press("Enter")
    assert column(page, "benchmarks", 1) == ["row 1", "row 0", "row 2"]


def many(values):
    rows = tuple((Entry(f"row {i}", link="x.html"), *[number_entry(v)] * 9) for i, v in enumerate(values))
    return Table((Entry("name"), *(Entry(f"number {i}", kind="number") for i in range(9))), rows)


def entered(board):
    """The rows of a leaderboard without grid points, which have a table of their own."""
    return [standing for standing in leaderboard(board) if standing.role != GRID_POINT]


def test_search_narrows_a_table_and_its_address_shows_the_same_again(visit, report, ran):
    page = visit(report)
    assert len(column(page, "leaderboard", 2)) == len(entered(ran.board)) > 1
    page.locator("#leaderboard ~ .tabs [data-tab=all] input[type=search]").fill("scarf")
    heading(page, "leaderboard", 3).click()
    page.wait_for_function("location.hash.includes('scarf')")
    assert column(page, "leaderboard", 2) == ["scarf"]
    again = visit(report, "#" + page.url.partition("#")[2])
    assert column(again, "leaderboard", 2) == ["scarf"]
    assert again.locator("#t-leaderboard th[aria-sort=descending]").inner_text().startswith("mean rank")


def test_a_column_is_filtered_by_its_values_and_the_address_keeps_it(visit, report):
    page = visit(report)
    assert len(column(page, "datasets", 1)) == 2
    heading(page, "datasets", 3).get_by_role("button", name="Filter").click()
    page.locator(".dtcc-dropdown .dtcc-list-buttons button").filter(has_text="tabular").click()
    assert column(page, "datasets", 1) == [ODD]
    page.wait_for_function("location.hash.includes('tabular')")
    assert column(visit(report, "#" + page.url.partition("#")[2]), "datasets", 1) == [ODD]


def test_a_spoilt_address_is_no_error(visit, report, ran):
    page = visit(report, "#leaderboard=%7Bbroken&modality=nowhere")
    assert len(column(page, "leaderboard", 2)) == len(entered(ran.board))


def test_an_address_of_a_folded_table_opens_it_and_its_columns_are_explained(visit, report):
    state = json.dumps({"search": "scarf"})
    page = visit(report, f"#task-1={state}")
    assert column(page, "task-1", 1) == ["scarf"]
    assert page.locator("#t-task-1").is_visible()
    help_ = page.locator("details:has(#t-task-1) .help")
    help_.locator("summary").click()
    assert "pretraining, mean over seeds" in help_.inner_text()


def test_print_shows_what_is_folded_and_folds_it_again(visit, report):
    page = visit(report)
    shut = page.locator("details:not([open])").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#t-task-1").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == shut > 0


def test_a_report_fits_a_printed_page(visit, report):
    page = visit(report, viewport={"width": 1018, "height": 720})
    column(page, "leaderboard", 1)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1018
    assert heading(page, "leaderboard", 1).evaluate("head => getComputedStyle(head).position") == "static"


def test_a_report_can_be_saved_as_pdf(visit, report):
    page = visit(report)
    column(page, "leaderboard", 1)
    assert page.pdf(landscape=True).startswith(b"%PDF-")


@pytest.mark.parametrize("width", [390, 1280])
def test_headings_and_names_stay_in_sight_while_a_table_scrolls(visit, tmp_path, width):
    rows = tuple((Entry(f"row {i}", kind="name"), *[number_entry(i / 7)] * 20) for i in range(50))
    names = Entry("name", kind="name"), *(Entry(f"number {i}", kind="number") for i in range(20))
    site.write(tmp_path / "t.html", "index.html", {"table": Table(names, rows)})
    page = visit(tmp_path / "t.html", viewport={"width": width, "height": 700})
    column(page, "benchmarks", 1)
    box = page.locator(".scroll.named")
    box.evaluate("box => box.scrollTo(300, 400)")
    outer, head = box.bounding_box(), heading(page, "benchmarks", 1).bounding_box()
    name = page.locator("#t-benchmarks tbody td").nth(21 * 20).bounding_box()
    assert head["y"] == pytest.approx(outer["y"], abs=2)
    assert {round(part["x"] - outer["x"]) for part in (head, name)} <= {0, 1}


def test_tabs_show_a_modality_by_click_by_key_and_by_address(visit, report):
    page = visit(report)
    page.get_by_role("tab", name="series").click()
    assert page.locator("#t-series").is_visible()
    assert not page.locator("#t-leaderboard").is_visible()
    page.keyboard.press("ArrowRight")
    assert page.locator("#t-tabular").is_visible()
    assert visit(report, "#modality=series").locator("#t-series").is_visible()


def test_downloads_hold_what_the_table_shows(visit, report, tmp_path):
    page = visit(report)
    shown = [" ".join(text.split()) for text in column(page, "leaderboard", 3)]  # the interval stands below
    box = page.locator("[data-tab=all]")
    for kind in ("CSV", "JSON"):
        with page.expect_download() as waiting:
            box.get_by_role("button", name=kind).click()
        waiting.value.save_as(tmp_path / kind)
    lines = list(csv.DictReader((tmp_path / "CSV").read_text(encoding="utf-8-sig").splitlines()))
    assert [line["mean rank"] for line in lines] == shown
    records = json.loads((tmp_path / "JSON").read_text(encoding="utf-8"))
    assert [record["mean rank"]["text"] for record in records] == shown
    assert all(isinstance(record["mean rank"]["value"], float | int) for record in records)
    assert {record["method"] for record in records} >= {"scarf", "<b>bold"}


def test_a_score_leads_to_its_cells(visit, report, ran):
    page = visit(report)
    page.get_by_role("tab", name="series").click()
    row = page.locator("#t-series tbody tr").filter(has_text="scarf")
    row.locator("td.number a[href$='#ecg200']").click()
    page.wait_for_url("**/methods/scarf.html#ecg200")
    cell = ran.board.cells.query("method == 'scarf' and dataset == 'ecg200'").iloc[0]
    assert page.get_by_text(cell["run_id"]).first.is_visible()
    page.locator("h3#ecg200 ~ details summary").first.click()
    assert "diptych probe" in page.locator("h3#ecg200 ~ details").first.inner_text()


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_its_window(visit, report, ran, width):
    pages = [report, ran.folder / links.method_page("simclr"), ran.folder / links.dataset_page(ODD)]
    for file in pages:
        page = visit(file, viewport={"width": width, "height": 800}, color_scheme="dark")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, file.name


def test_hostile_names_are_only_text(visit, ran):
    for file in sorted(ran.folder.glob("*/*.html")):
        page = visit(file)
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        assert page.locator("main script, main img, main h1 b").count() == 0
        page.close()
    page = visit(ran.folder / links.dataset_page(ODD))
    assert page.locator("h1").inner_text() == ODD
    assert ODD not in content(ran.folder / links.dataset_page(ODD))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text_in_filters_search_and_downloads(visit, tmp_path, name):
    rows = ((Entry(name, below=name, title=name, badge=name),), (Entry("plain"),))
    site.write(tmp_path / "t.html", "index.html", {"table": Table((Entry(name, title=name),), rows)})
    page = visit(tmp_path / "t.html")
    elements = "img, script:not([type=module]), b:not(.dt-container *), i, [onerror]"
    before = page.locator(elements).count()
    assert column(page, "benchmarks", 1)[0].startswith(name)
    assert page.locator("#t-benchmarks tbody td").first.get_attribute("title") == name
    heading(page, "benchmarks", 1).get_by_role("button", name="Filter").click()
    page.locator(".dtcc-dropdown .dtcc-list-buttons button").first.wait_for()
    assert name in page.locator(".dtcc-dropdown").inner_text()
    page.locator("input[type=search]").first.fill(name)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSON").click()
    waiting.value.save_as(tmp_path / "json")
    (record,) = json.loads((tmp_path / "json").read_text(encoding="utf-8"))
    assert next(iter(record)) == name
    assert page.locator(elements).count() == before == 0


def test_without_scripts_everything_is_still_there(visit, report, ran):
    page = visit(report, java_script_enabled=False)
    assert page.locator("#t-leaderboard tbody tr").count() == len(entered(ran.board))
    assert page.locator("#t-series").is_visible()


def test_a_table_of_two_thousand_rows_is_quick(visit, tmp_path):
    site.write(tmp_path / "t.html", "index.html", {"table": many([(i * 7919) % ROWS / 7 for i in range(ROWS)])})
    begun = time.monotonic()
    page = visit(tmp_path / "t.html")
    page.wait_for_selector("#t-benchmarks.dataTable")
    loaded = time.monotonic() - begun
    took = page.evaluate(
        """() => { const table = jQuery("#t-benchmarks").DataTable(), begun = performance.now();
                   table.order([1, "desc"]).draw(); const sorted = performance.now();
                   table.search("row 19").draw(); return [sorted - begun, performance.now() - sorted]; }"""
    )
    print(f"{ROWS} rows: {loaded:.2f} s to load, sorted in {took[0]:.0f} ms, searched in {took[1]:.0f} ms")
    assert loaded < 15
    assert max(took) < 2000
