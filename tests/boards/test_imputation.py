"""Native handling of missing values against imputation, and where damage before pretraining counts, on a board."""

import json

import numpy as np
import pytest

from boards.conftest import published
from boards.world import World
from diptych.boards import damage, imputation, tables
from diptych.boards.frame import Board, Task

AXIS = [{"impute": "none"}, {"impute": "mean"}]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A board whose imputed cells are drawn anew, so that scores differ."""
    home = tmp_path_factory.mktemp("imputed")
    world = World(
        root=home / "results",
        modalities={"ecg200": "series"},
        grids={"ts2vec": [*({"temperature": 0.1} | a for a in AXIS), {"temperature": 0.5} | AXIS[0]], "random": AXIS},
        skills={"ts2vec": 1.6, "random": 0.3},
        seeds=(0, 1),
        conditions=("", "missing_mcar-0.4", "missing_mcar-0.4@pretraining"),
        robustness={"missing_mcar": [0.3], "label_noise_symmetric": [0.2]},
    ).write()
    run = published(world)
    return run.folder, run.board, imputation.compare(run.board, damage.curves(run.board))


def test_one_comparison_per_task_and_damage_with_the_scores_of_the_board(ran):
    _, board, found = ran
    places = {(str(c.task), c.damage, str(c.row)) for c in found}
    assert len(places) == len(found) == 3 * 2 * 2  # conditions × (score, area) × rows that have a partner
    assert {c.damage for c in found} == {"", "missing_mcar"}  # wrong labels are nothing to fill
    assert {str(c.row) for c in found} == {"ts2vec (temperature=0.1)", "random"}
    for line in (line for line in found if not line.damage):
        for imputer, summary in line.scores.items():
            names = [f"impute={imputer}", *([line.row.config] if line.row.config else [])]
            (row,) = [
                r for r in board.planned(line.task) if r.method == line.row.method and r.config == ", ".join(names)
            ]
            assert board.summaries[line.task, row] == summary
        assert line.gains["mean"].mean == pytest.approx(line.scores["mean"].mean - line.scores["none"].mean)
        assert set(line.gains) == {"mean"}
    assert {line.missing for line in found if line.row.method == "ts2vec"} == {"native"}


def test_equal_scores_are_no_comparison(ran, tmp_path):
    """Where nothing is missing an imputer changes nothing, and a line would only say so."""
    folder, board, found = ran
    results = board.results.copy()
    task = Task("ecg200", "")
    assert any(line.task == task and not line.damage for line in found)
    native = board.scores[(board.scores["task"] == task)].set_index(["method", "params", "seed"])["value"]
    own = {(m, p.replace('"none"', '"mean"'), s): v for (m, p, s), v in native.items() if '"none"' in p}
    keys = list(zip(results["method"], results["params"], results["seed"], strict=True))
    clean = (results["task"] == task) & (results["corruption"] == "clean") & (results["probe"] == board.probe)
    clean &= (results["metric"] == board.metric(task)) & results["ranked_embedding"]
    results["value"] = [own.get(k, v) if c else v for k, v, c in zip(keys, results["value"], clean, strict=True)]
    for name in ("results", "cells"):
        table = results.drop(columns=["row", "task", "ranked_embedding"]) if name == "results" else board.cells
        table.drop(columns=["row", "task"], errors="ignore").to_parquet(tmp_path / f"{name}.parquet")
    same = Board(board.plan, tmp_path)
    left = imputation.compare(same, damage.curves(same))
    assert not any(line.task == task and not line.damage for line in left)
    assert len(left) < len(found)


def test_a_control_stands_beside_its_own_imputer(ran):
    _, board, _ = ran
    task = Task("ecg200", "missing_mcar-0.4")
    rows = {row.config: row for row in board.planned(task) if row.method == "random"}
    for config, row in rows.items():
        beside = next(r for r in board.planned(task) if r.method == "ts2vec" and config in r.config)
        assert board.control(task, "random", beside) == board.summaries[task, row]
    assert len(rows) == 2


def test_damage_at_pretraining_only_has_its_own_curve(ran):
    _, board, _ = ran
    curves = damage.pretraining_curves(board)
    assert {c.corruption for c in curves} == {"missing_mcar before pretraining", "missing_mcar at pretraining only"}
    for curve in curves:
        assert curve.values.index.tolist() == [0.0, 0.4]
        zero = board.summaries[Task("ecg200", ""), curve.row]
        assert curve.points[0.0] == zero
    assert curve.area.mean == pytest.approx(np.mean(curve.areas))
    assert [str(task) for task in board.rank_tasks()] == ["ecg200"]


def test_page_text_and_feed_show_it(ran):
    folder, board, found = ran
    drawn = tables.markdown(imputation.table(board, found))
    assert "| native | mean |" in drawn.replace("--:", "").replace("  ", " ")
    assert drawn in (folder / "leaderboard.md").read_text(encoding="utf-8")
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "Native handling of missing values against imputation" in html
    assert "missing_mcar-0.4@pretraining" in html
    feed = json.loads((folder / "leaderboard.json").read_text(encoding="utf-8"))["imputation"]
    assert len(feed) == sum(len(line.scores) for line in found)
    assert {line["imputer"] for line in feed} == {"none", "mean"}
    assert all((line["gain"] is None) == (line["imputer"] == "none") for line in feed)


def test_a_board_without_imputers_says_nothing_of_them(ran, tmp_path):
    _, board, _ = ran
    one = {
        name: table[~table["params"].str.contains('"mean"')]
        for name, table in (("results", board.results), ("cells", board.cells))
    }
    plain = object.__new__(Board)
    plain.__dict__ |= {"plan": board.plan, "axes": board.axes, "tasks": board.tasks, **one}
    assert imputation.compare(plain, []) == []
