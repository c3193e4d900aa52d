"""The pages beside the report: of methods and data sets, the index over benchmarks, and the list of changes."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from boards.conftest import ODD, content
from diptych.boards import (
    changelog,
    cost,
    dataset_page,
    details,
    figures,
    index,
    links,
    maps,
    method_page,
    samples,
    site,
    tables,
    verdict,
)
from diptych.boards.comparison import compare
from diptych.boards.frame import Row, Task
from diptych.boards.ranking import leaderboard
from diptych.boards.tables import Entry, Table, best_row
from diptych.data.samples import GraphArrays, Samples, to_arrays
from diptych.records import write_json, write_npz

NAMES = ("ecg200", ODD, "<b>bold", "b-bold", "a/../b", "a b", "a-b", "é", 'quo"te', "x'y")


def test_addresses_of_names_are_plain_and_never_the_same():
    found = [links.slug(name) for name in NAMES]
    assert all(re.fullmatch("[A-Za-z0-9_-]+", slug) for slug in found)
    assert len(set(found)) == len(NAMES)
    assert links.slug("ecg200") == "ecg200"


@pytest.mark.parametrize(
    ("entry", "sort"),
    [
        (Entry("0.812 ± 0.003", value=0.8123456), "0.8123456"),
        (Entry("(3.5)"), "3.5"),
        (Entry("1,234"), "1234"),
        (Entry("12/14"), "12"),
        (Entry("2="), "2"),
        (Entry("+0.030"), "+0.030"),
        (Entry("−0.2"), "-0.2"),
        (Entry("–"), ""),
        (Entry("–", value=float("nan")), ""),
        (Entry("method 3"), ""),
    ],
)
def test_a_number_is_sorted_by_its_value(entry, sort):
    assert entry.sort == sort


def test_every_planned_method_and_data_set_has_its_page_and_every_link_its_target(ran):
    pages = [ran.folder / "report.html", *ran.folder.glob("*/*.html")]
    assert {page.name for page in pages[1:]} == {
        f"{links.slug(name)}.html" for name in (*ran.world.grids, *ran.world.modalities)
    }
    texts = {page.resolve(): content(page) for page in pages}
    for page, text in texts.items():
        for address in re.findall(r'<a [^>]*href="([^"]*)"', text):
            file, _, anchor = address.partition("#")
            target = (page.parent / file).resolve() if file else page
            if target.name == "index.html":
                continue
            assert target in texts, address
            assert not anchor or f'id="{anchor}"' in texts[target], address


def test_a_failed_cell_says_why_on_the_page_of_its_method(ran):
    page = content(ran.folder / links.method_page("scarf"))
    assert "the loss became nan &lt;img src=x&gt;" in page
    assert "2 cells diverged" in page


def test_pages_of_an_earlier_plan_go(ran, tmp_path):
    from diptych.boards import page

    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "gone.html").touch()
    page.write(ran.board, tmp_path, "")
    assert not (tmp_path / "methods" / "gone.html").exists()
    assert (tmp_path / "methods" / "scarf.html").exists()


def test_no_page_is_larger_than_ten_megabytes(ran):
    assert max(page.stat().st_size for page in ran.folder.glob("**/*.html")) < 10e6


def test_a_bundle_of_another_form_is_refused():
    assert site._inline("let a=1;export{b as X,a as jQuery};") == "let a=1;globalThis.jQuery=a;"
    for odd in ("let a=1;", 'x="</script>";export{a as jQuery};'):
        with pytest.raises(ValueError, match="another form"):
            site._inline(odd)


# ---------------------------------------------------------------- changes


def score(dataset, method, mean, config=""):
    return {"dataset": dataset, "condition": "", "method": method, "config": config, "mean": mean}


def test_changes_name_what_came_went_and_moved(tmp_path):
    first = [score("a", "m", 0.5), score("a", "n", 0.6), score("b", "m", None)]
    changelog.update(tmp_path, first, "p1")
    assert len(changelog.update(tmp_path, first, "p1")) == 1  # nothing changed
    found = changelog.update(tmp_path, [score("a", "m", 0.7), score("b", "m", None), score("b", "n", 0.1)], "p2")
    newest = found[0]
    assert newest["added"] == [{"row": "n on b", "new": 0.1, "cells": "methods/n.html#b"}]
    assert newest["removed"] == [{"row": "n on a", "old": 0.6}]
    assert newest["rescored"] == [{"row": "m on a", "old": 0.5, "new": 0.7, "cells": "methods/m.html#a"}]
    (title, table), (first_title, nothing) = changelog.sections(found)
    assert "1 added, 1 removed, 1 rescored" in title
    assert [row[1].text for row in table.rows] == ["n on b", "n on a", "m on a"]
    assert [row[3].link for row in table.rows] == ["methods/n.html#b", "", "methods/m.html#a"]
    assert "first report, 3 added" in first_title
    assert not nothing.rows


# ---------------------------------------------------------------- index


def test_the_index_lists_every_benchmark_and_says_what_it_cannot_read(ran, tmp_path):
    feed = json.loads((ran.folder / "leaderboard.json").read_text())
    write_json(tmp_path / "good" / "leaderboard.json", feed)
    write_json(tmp_path / "other" / "leaderboard.json", {"status": 1})
    text = content(index.write(tmp_path))
    assert 'href="good/report.html"' in text
    assert "26 ok, 2 diverged" in text
    best = [row for row in feed["leaderboard"] if row["scope"] == "all" and row["place"] in ("1", "1=")]
    assert best
    assert all(row["method"] in text for row in best)
    assert "not readable" in text


# ---------------------------------------------------------------- figures


def drawn(tmp_path, samples_, facts):
    write_npz(tmp_path / "data.npz", to_arrays(samples_))
    return samples.show(tmp_path / "data.npz", {"class_names": ["<b>a", "$b"]} | facts)


def of(modality, x, **more):
    label, row = np.array([0, 1, 1, 0]), np.arange(4)
    return Samples(modality, x, label, np.array([0, 0, 0, 1], np.uint8), row, row, **more)


def test_samples_of_every_modality_are_shown_and_survive_missing_values(tmp_path):
    rng = np.random.default_rng(0)
    hole = rng.random((4, 9, 2), np.float32)
    hole[:, 3:6] = np.nan
    nodes, offsets = np.ones((8, 2), np.float32), np.array([0, 2, 4, 6, 8])
    edges, ends = np.array([[0, 1] * 4, [1, 0] * 4]), np.array([0, 2, 4, 6, 8])
    for each in (
        of("image", rng.random((4, 3, 5, 5), np.float32)),
        of("series", hole),
        of("graph", GraphArrays(nodes, offsets, edges, ends)),
    ):
        figure, table = drawn(tmp_path, each, {})
        assert "&lt;b&gt;a" in figure[1]
        assert "<b>a" not in figure[1]
        assert table is None


def test_rows_of_a_table_are_shown_in_their_own_units(tmp_path):
    x = np.array([[0, 1, 0], [1, 0, 1], [np.nan, 0, 0], [0, 0, 1]], np.float32)
    statistics = {"field": np.array([0, 1, 1]), "mean": np.array([10.0, 0, 0]), "sd": np.array([2.0, 1, 1])}
    facts = {"columns": [{"name": "age", "levels": None}, {"name": "sex", "levels": ["f", None]}]}
    _, table = drawn(tmp_path, of("tabular", x, statistics=statistics), facts)
    assert [[entry.text for entry in row] for row in table.rows] == [
        ["<b>a", "10", "f"],
        ["$b", "12", "other"],
        ["$b", "–", "–"],
    ]


def test_texts_are_read_back(tmp_path):
    from diptych.data._text import Tokenizer

    texts = ["a good film", "a bad film", "no film", "film"]
    tokenizer = Tokenizer.train(texts)
    each = of("text", tokenizer.encode(texts)[0], statistics={"tokenizer": tokenizer.stored()})
    _, table = drawn(tmp_path, each, {})
    assert [row[1].text.strip() for row in table.rows] == texts[:3]


def test_nothing_is_shown_of_data_that_are_not_there(tmp_path):
    assert samples.show(tmp_path / "none.npz", {}) == (None, None)


def test_a_map_shows_test_rows_of_the_best_row_beside_raw_features(ran, monkeypatch):
    task, rng = Task("ecg200", ""), np.random.default_rng(0)
    split, label = np.arange(60) % 2, np.arange(60) % 12
    arrays = {"backbone": rng.normal(size=(60, 5)), "split": split, "label": label}
    arrays["backbone"][3] = np.nan
    monkeypatch.setattr(maps, "read_npz", lambda _: arrays)
    caption, svg = maps.plot(ran.board, task, ("<i>", *"bcdefghijkl"))
    assert str(best_row(ran.board, task)) in svg
    assert ">raw" in svg
    assert "<i>" not in svg
    assert maps._points(ran.board, task, Row("raw", ""))[0].shape == (30, 2)
    monkeypatch.setattr(maps, "read_npz", lambda _: {})
    assert maps.plot(ran.board, task, ()) is None


def test_the_frontier_never_falls_and_passes_the_best_method(ran):
    from matplotlib.figure import Figure

    task = Task("ecg200", "")
    seconds = {row: float(place + 1) for place, row in enumerate(ran.board.planned(task))}
    axis = Figure().subplots()
    cost._frontier(axis, ran.board, task, seconds)
    heights = axis.lines[0].get_ydata()
    assert (np.diff(heights) >= 0).all()
    assert heights[-1] == ran.board.summaries[task, best_row(ran.board, task)].mean


def test_a_legend_stays_within_its_figure_and_rows_that_look_alike_are_one_entry(ran, monkeypatch):
    rows = [Row("random", f"encoder.name=encoder{n}") for n in range(4)]
    monkeypatch.setattr(type(ran.board), "role", lambda _, row: "control" if row.method == "random" else "grid point")
    many = rows + [Row(f"method {n}", "") for n in range(20)]
    monkeypatch.setattr(figures, "palette", lambda _: {str(row): "#8a8f98" for row in many})
    with figures.style():
        figure, _ = figures.canvas(1, *figures.PANEL)
        figures.legend(figure, ran.board, many)
        figure.draw_without_rendering()
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[0] == "random (4 rows)"
    assert len(texts) == 21


# ---------------------------------------------------------------- the answer in short


def test_the_short_answer_says_who_leads_what_controls_reach_and_what_failed(ran):
    said = verdict.sentences(ran.board, compare(ran.board))
    first = next(s for s in leaderboard(ran.board, "series") if s.place == "1")
    assert said[0].startswith(f"{len(set(ran.world.grids) - {'raw', 'random', 'pca', 'supervised'})} methods on 2 data")
    assert f"{first.row} for series ({first.mean_rank:.2f} over 1 data set)" in said[1]
    assert said[1].startswith("The best mean rank has ")
    assert any("is more than half the seed sd above raw features on 0 of 2 data sets" in s for s in said)
    assert "supervised and raw for series" in said[2]
    assert said[2].startswith("Above every method would stand ")
    (_, references) = verdict._lead(ran.board, "series", None)
    assert references == "Of the references, supervised and raw would stand above every method."
    assert said[-1].startswith("2 of 28 planned cells did not end well: 2 diverged")
    page = content(ran.folder / "report.html")
    assert page.index("In short") < page.index("In plain sight") < page.index("t-leaderboard")


def test_rows_with_the_best_mean_rank_share_it(ran, monkeypatch):
    tied = [replace(s, place="1=", mean_rank=1.5) for s in leaderboard(ran.board) if s.place][:2]
    monkeypatch.setattr(verdict, "leaderboard", lambda *_: tied)
    (told, *_) = verdict._lead(ran.board, "series", None)
    assert f"{tied[0].row} and {tied[1].row} share the best mean rank, 1.50" in told


def test_grid_points_stand_in_a_table_of_their_own_and_an_empty_column_goes(ran):
    ranked, points = tables.standings(ran.board), tables.standings(ran.board, points=True)
    badges = [{entry.badge for line in table.rows for entry in line if entry.badge} for table in (ranked, points)]
    assert "grid point" not in badges[0]
    assert badges[1] == {"grid point"}
    assert len(ranked.rows) + len(points.rows) == len(leaderboard(ran.board))
    table = Table((Entry("a"), Entry("share")), ((Entry("x"), Entry("–")), (Entry("y"), Entry("–"))))
    assert [c.text for c in tables.without_empty(table, "share").columns] == ["a"]
    told = replace(table, rows=(*table.rows, (Entry("z"), Entry("0.5"))))
    assert tables.without_empty(told, "share") == told


def test_both_panels_of_the_standing_have_every_row_at_the_same_height(ran, monkeypatch):
    kept = []
    monkeypatch.setattr(figures, "svg", lambda figure, _: kept.append(figure) or "")
    monkeypatch.setattr(figures, "task_shares", lambda _, task: {Row("scarf", ""): 0.5, Row("<b>bold", ""): 0.4})
    figures.standing_plot(ran.board, leaderboard(ran.board))
    left, right = kept[0].axes
    assert left.get_ylim() == right.get_ylim()


def test_classes_are_counted_in_their_order_train_first():
    counts = {"test": {"10": 1, "2": 2, "1": 3, "b": 1}, "train": {"2": 5, "10": 4}}
    table = dataset_page.counts({"counts": counts})
    assert [c.text for c in table.columns] == ["class", "train", "test"]
    assert [row[0].text for row in table.rows] == ["1", "2", "10", "b"]


def test_every_score_of_every_probe_leads_to_its_cells(ran):
    task = Task("ecg200", "")
    for _, table in details.probe_tables(ran.board, task):
        assert all(e.link.endswith("#ecg200") for row in table.rows for e in row[1:] if e.text != "–")
    names = [row[0] for row in method_page.scores(ran.board, ran.board.cells.query("method == 'simclr'")).rows]
    assert {"best of 4 by validation", "default config, else the first"} <= {name.below for name in names}
