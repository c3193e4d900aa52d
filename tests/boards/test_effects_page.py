"""Stated effects as a reader meets them: page, text, feed and terminal."""

import dataclasses
import html
import json
import re

import pandas as pd
import pytest

from boards.conftest import ODD, content
from diptych import board as terminal
from diptych import effects
from diptych.boards import page
from diptych.boards.frame import Board


@pytest.fixture(scope="module")
def written(ran, tmp_path_factory):
    """The pages of the run of all board tests, with effects whose words are hostile."""
    claim = "<script>alert(2)</script> | & *x*"
    stated = [
        {"claim": claim, "kind": "rises", "of": {"method": "simclr"}, "along": "temperature"},
        {"claim": "better", "kind": "above", "of": {"method": "<b>bold"}, "over": {"method": "raw"}},
        {"claim": "gone", "kind": "above", "of": {"method": "scarf"}, "over": {"method": "raw"}, "datasets": [ODD]},
    ]
    world = dataclasses.replace(ran.world, effects=stated)
    effects.check(world)
    folder = tmp_path_factory.mktemp("effects")
    page.write(Board(world, ran.folder), folder, "")
    return folder


def test_the_page_shows_each_effect_once_and_escaped(written):
    said = content(written / "report.html")
    assert said.count("<svg") == 4 + 5  # beside the effects: standing, ranks, wins and costs
    assert "<script" not in said
    assert said.count(html.escape("<script>alert(2)</script>")) == 1
    assert said.index('id="sight"') < said.index('id="effects"') < said.index('id="leaderboard"')
    assert re.search("(Opposite|Not shown): better: accuracy 0.[0-9]+ for &lt;b&gt;bold, 0.[0-9]+ for raw", said)
    assert "Not measured (2 of 4 cells have no score: 2 diverged): gone" in said
    markdown = (written / "leaderboard.md").read_text(encoding="utf-8")
    assert "<script" not in markdown
    assert re.search(r"^1\. \w+.*: &lt;script>alert", markdown, re.MULTILINE)


def test_each_effect_leads_to_its_cells(written):
    effects_of_page = re.findall(
        r"<details><summary>cells</summary>(.*?)</details>", content(written / "report.html"), re.S
    )
    links = [re.findall('href="([^"#]+)#([^"]+)"', effect) for effect in effects_of_page]
    assert len(links) == 3
    for page_of_method, place in {link for effect in links for link in effect}:
        assert f'id="{place}"' in content(written / page_of_method)
    assert all(links)


def test_feed_and_terminal_say_the_same(written, capsys):
    feed = json.loads((written / "leaderboard.json").read_text(encoding="utf-8"))
    assert [effect["kind"] for effect in feed["effects"]] == ["rises", "above", "above"]
    assert feed["effects"][2]["verdict"] == "not measured"
    assert feed["effects"][2]["mean"] is None
    assert feed["effects"][2]["missing"] == 2
    terminal.show(written)
    assert ": better: accuracy 0." in capsys.readouterr().out


def test_the_loss_of_a_cell_is_the_mean_of_its_last_tenth(ran):
    cells = ran.board.cells.set_index("cell")
    cell = next(cell for cell in ran.world.cells if cell.method == "simclr")
    history = pd.read_parquet(ran.world.files(cell).history)["loss"]
    assert cells.loc[cell.path, "mean_final_loss"] == pytest.approx(history.tail(70).mean())
    assert cells.loc[cells["method"] == "raw", "mean_final_loss"].isna().all()
