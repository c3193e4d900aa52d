"""Which configuration stands for a method: never chosen by test, by a rule that its row names."""

import json

import numpy as np
import pandas as pd
import pytest

from boards.conftest import GRID, ODD
from boards.test_board import by_row
from boards.world import World
from diptych import aggregate, track
from diptych.boards import cost, selection, tables
from diptych.boards.frame import GRID_POINT, RANKED, Board, Row, Task
from diptych.boards.ranking import leaderboard
from diptych.scoring import VALIDATION

ECG = Task("ecg200", "")
DEFAULT, BEST = Row("simclr", selection.FIRST), Row("simclr", "best of 4 by validation")
POINTS = [Row("simclr", f"temperature={p['temperature']}, view.rate={p['view.rate']}") for p in GRID]


def point_of(board, row, task=ECG):
    return next(choice.point for choice in board.choices if (choice.task, choice.row) == (task, row))


def put(values, metric=VALIDATION):
    """A change of the results: what each point scores in every seed."""

    def change(results):
        own = (results["method"] == "simclr") & (results["metric"] == metric)
        own &= (
            (results["probe"] == "linear") & (results["corruption"] == "clean") & (results["embedding"] == "backbone")
        )
        by_config = dict(zip(dict.fromkeys(results[results["method"] == "simclr"]["config"]), values, strict=True))
        return results.assign(value=results["value"].mask(own, results["config"].map(by_config)))

    return change


def test_a_method_with_a_grid_is_ranked_by_two_rows(ran):
    found = by_row(leaderboard(ran.board))
    assert {name for name, s in found.items() if s.role == RANKED and s.row.method == "simclr"} == {
        str(DEFAULT),
        str(BEST),
    }
    assert all(found[str(point)].role == GRID_POINT and not found[str(point)].place for point in POINTS)
    assert {s.row.method for s in found.values() if s.place} == {"simclr", "<b>bold", "scarf"}
    assert (found[str(BEST)].scored, found[str(BEST)].planned, found[str(BEST)].tasks) == (2, 2, 1)


def test_the_best_mean_over_seeds_on_held_out_rows_is_chosen_and_its_test_score_counts(ran, tmp_path):
    board = ran.altered(tmp_path, put([0.1, 0.2, 0.9, 0.3]))
    assert point_of(board, BEST) == POINTS[2]
    assert board.summaries[ECG, BEST] == board.summaries[ECG, POINTS[2]]


@pytest.mark.parametrize("values", [[0.9, 0.8, 0.1, 0.2], [0.1, 0.2, 0.99, 0.3], [0.5, 0.5, 0.5, 0.5]])
def test_test_scores_choose_nothing(ran, tmp_path, values):
    before = point_of(ran.board, BEST), point_of(ran.board, DEFAULT)
    board = ran.altered(tmp_path, put(values, metric="accuracy"))
    assert (point_of(board, BEST), point_of(board, DEFAULT)) == before
    assert board.summaries[ECG, BEST].mean == pytest.approx(values[POINTS.index(before[0])])


def test_permuting_the_test_scores_of_points_changes_no_choice(ran, tmp_path):
    def permuted(results):
        table, rng = results.copy(), np.random.default_rng(0)
        for _, lines in table[table["metric"] != VALIDATION].groupby(["dataset", "probe", "metric"]).groups.items():
            table.loc[lines, "value"] = rng.permutation(table.loc[lines, "value"].to_numpy())
        return table

    choices = [(c.task, c.row, c.point) for c in ran.altered(tmp_path, permuted).choices]
    assert choices == [(c.task, c.row, c.point) for c in ran.board.choices]


def test_other_probes_and_other_embeddings_do_not_choose(ran, tmp_path):
    def change(results):
        lines = (results["metric"] == VALIDATION) & (
            (results["probe"] != "linear") | (results["embedding"] != "backbone")
        )
        assert lines.any()
        return results.assign(value=results["value"].mask(lines, np.arange(len(results)) % 7 / 7))

    assert point_of(ran.altered(tmp_path, change), BEST) == point_of(ran.board, BEST)


def test_a_point_that_lost_a_seed_yields_to_complete_ones(ran, tmp_path):
    def change(results):
        table = put([0.1, 0.2, 0.9, 0.3])(results)
        lost = (table["config"] == configs[2]) & (table["seed"] == 1) & (table["metric"] == VALIDATION)
        return table.assign(value=table["value"].mask(lost))

    configs = list(dict.fromkeys(cell.config for cell in ran.world.cells if cell.method == "simclr"))
    assert point_of(ran.altered(tmp_path, change), BEST) == POINTS[3]


def test_equal_points_leave_the_first(ran, tmp_path):
    assert point_of(ran.altered(tmp_path, put([0.5] * 4)), BEST) == POINTS[0]


def test_without_any_validation_score_nothing_is_chosen(ran, tmp_path):
    board = ran.altered(tmp_path, lambda results: results[results["metric"] != VALIDATION])
    assert {choice.row for choice in board.choices} == {DEFAULT}
    assert board.role(POINTS[1]) == GRID_POINT


def test_the_default_is_what_would_run_without_a_grid(ran, monkeypatch):
    assert point_of(ran.board, DEFAULT) == POINTS[0]
    monkeypatch.setattr(ran.world, "defaults", {"simclr": GRID[3]})
    choices = selection.choose(ran.board)
    assert [(c.row.config, c.point) for c in choices if c.row.config == selection.DEFAULT] == [
        ("default config", POINTS[3])
    ]


def test_the_planner_knows_the_default(benchmark_file, tmp_path):
    from diptych.plan import Plan

    text = "name: mine\ndatasets: [digits]\nmethods: {simclr: {temperature: [0.2, 0.5], train.epochs: [3, 7]}}\n"
    plan = Plan(benchmark_file(text + "train: {epochs: 7}\nrows: 80\n"), root=str(tmp_path))
    usual = plan.default("digits", "simclr")
    points = [plan.flat(cell) for cell in plan.cells if cell.method == "simclr"]
    assert [{"impute": "none"} | p == usual for p in points] == [False, False, False, True]


def test_every_task_has_its_own_choice_and_methods_without_a_grid_are_left_alone(tmp_path):
    world = World(
        root=tmp_path / "results",
        modalities={"ecg200": "series", "wine": "tabular"},
        grids={"simclr": [{"temperature": 0.1}, {"temperature": 0.5}], "scarf": [{}], "random": [{}]},
        skills={"simclr": 1.0, "scarf": 1.0, "random": 0.1},
        seeds=(0,),
    ).write()
    folder = world.root / "boards" / world.name
    track.sync(world)
    aggregate.write(world, "", folder)
    results = pd.read_parquet(folder / "results.parquet")
    better = {("ecg200", 0.1), ("wine", 0.5)}
    told = [
        float((d, float(json.loads(p).get("temperature", 0))) in better)
        for d, p in zip(results["dataset"], results["params"], strict=True)
    ]
    results.assign(value=results["value"].mask(results["metric"] == VALIDATION, told)).to_parquet(
        folder / "results.parquet"
    )
    board = Board(world, folder)
    best = Row("simclr", "best of 2 by validation")
    assert point_of(board, best, ECG).config == "temperature=0.1"
    assert point_of(board, best, Task("wine", "")).config == "temperature=0.5"
    assert {choice.row.method for choice in board.choices} == {"simclr"}
    assert board.role(Row("scarf", "")) == RANKED


def test_long_tables_and_counts_of_cells_stay_as_they_were(ran):
    assert len(ran.board.cells) == len(ran.world.cells)
    assert not set(ran.board.scores["row"]) & {DEFAULT, BEST}
    added = ran.board.entered[ran.board.entered["row"].isin([DEFAULT, BEST])]
    assert len(added) == 2 * len(ran.world.seeds)


def test_the_page_tells_what_was_chosen_from_how_many_and_the_oracle(ran):
    page = (ran.folder / "report.html").read_text(encoding="utf-8")
    assert "best of 4 by validation" in page
    assert 'id="selection"' in page
    (line,) = [line for line in selection.feed(ran.board) if line["rule"] == BEST.config]
    assert line["tried"] == 4
    assert line["oracle"] == max(ran.board.summaries[ECG, point].mean for point in POINTS)
    assert line["chosen"] == point_of(ran.board, BEST).config


def test_figures_and_tables_take_a_chosen_rows_cells(ran):
    table = {str(r[0].text + r[0].below): r for r in tables.task_table(ran.board, ECG).rows}
    chosen = ran.board.behind(ECG, BEST)
    assert table["simclr" + BEST.config][4:] == table["simclr" + chosen.config][4:]
    assert cost.plot(ran.board)
    assert ODD in {str(task) for task in ran.board.tasks}
