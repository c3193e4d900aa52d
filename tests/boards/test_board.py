import json

import numpy as np
import pandas as pd
import pytest

from boards.conftest import ODD
from diptych import board as terminal
from diptych.aggregate import RESULTS
from diptych.boards import damage, details, figures, tables, text
from diptych.boards.frame import GRID_POINT, Board, Row, Task, chance
from diptych.boards.ranking import leaderboard, task_ranks, task_shares
from diptych.catalog import components
from diptych.records import ContractError
from diptych.stats import summarise

ECG, OTHER = Task("ecg200", ""), Task(ODD, "")


def by_row(standings):
    return {str(s.row): s for s in standings}


def test_results_have_a_row_for_every_planned_cell_and_the_promised_columns(ran):
    results = pd.read_parquet(ran.folder / "results.parquet")
    assert tuple(results.columns) == RESULTS
    assert set(results["cell"]) == {cell.path for cell in ran.world.cells}
    assert len(pd.read_csv(ran.folder / "results.csv")) == len(results)


def test_a_failed_cell_is_one_row_without_value_but_with_its_reason(ran):
    results = pd.read_parquet(ran.folder / "results.parquet")
    failed = results[(results["dataset"] == ODD) & (results["method"] == "scarf")]
    assert len(failed) == len(ran.world.seeds)
    assert failed["value"].isna().all()
    assert set(failed["status"]) == {"diverged"}
    assert set(failed["reason"]) == {"the loss became nan <img src=x>"}


def test_rows_are_named_by_the_parameters_that_vary(ran):
    names = {str(row) for row in ran.board.cells["row"]}
    assert "simclr (temperature=0.1, view.rate=0.2)" in names
    assert "scarf" in names
    assert sum(name.startswith("simclr") for name in names) == 4


def renamed(ran, folder, points):
    """Rows of the board when the four points of its grid have other parameters."""

    def change(cells):
        places = {text: n for n, text in enumerate(dict.fromkeys(cells[cells["method"] == "simclr"]["params"]))}
        return cells.assign(params=[json.dumps(points[places[t]]) if t in places else t for t in cells["params"]])

    board = ran.altered(folder, change, "cells")
    return list(dict.fromkeys(str(row) for row in board.cells["row"] if row.method == "simclr"))


def test_a_row_is_named_by_the_parameters_that_its_configuration_has(ran, tmp_path):
    crop, distance = ({"view.name": name, "view.strength": 0.5} for name in ("crop_jitter", "crop_distance"))
    crops = [crop | {"view.min_area": area, "view.blur": 0.0} for area in (0.05, 0.2)]
    distances = [distance | {"view.distance": far, "view.side": 0.5} for far in (0.0, 0.1)]
    assert renamed(ran, tmp_path, crops + distances) == [
        "simclr (view.min_area=0.05, view.name=crop_jitter)",
        "simclr (view.min_area=0.2, view.name=crop_jitter)",
        "simclr (view.distance=0.0, view.name=crop_distance)",
        "simclr (view.distance=0.1, view.name=crop_distance)",
    ]


def test_parameters_that_only_some_have_name_rows_where_nothing_else_does(ran, tmp_path):
    budgets = [{"train.epochs": 5, "lr": 1}, {"train.steps": 80, "lr": 1}, {"lr": 1}, {"lr": 2, "train.steps": 80}]
    names = renamed(ran, tmp_path, budgets)
    assert names == [
        "simclr (lr=1, train.epochs=5)",
        "simclr (lr=1, train.steps=80)",
        "simclr (lr=1)",
        "simclr (lr=2, train.steps=80)",
    ]


def test_summaries_equal_the_long_table(ran):
    results = pd.read_parquet(ran.folder / "results.parquet")
    chosen = results.query("dataset == 'ecg200' and method == 'raw' and probe == 'linear' and metric == 'accuracy'")
    chosen = chosen.query("corruption == 'clean' and embedding == 'backbone'")
    assert ran.board.summaries[ECG, Row("raw", "")] == summarise(chosen["value"])


def test_controls_are_shown_but_hold_no_place(ran):
    found = by_row(leaderboard(ran.board))
    assert {name for name, s in found.items() if not s.place and s.role != GRID_POINT} == {
        "raw",
        "random",
        "supervised",
    }
    assert {"simclr (temperature=0.5, view.rate=0.6)", "scarf", "<b>bold"} <= found.keys()


def test_ranks_count_only_self_supervised_rows(ran):
    ranks = task_ranks(ran.board, ECG)
    ours = [row for row in ranks if ran.board.role(row) == "self-supervised"]
    assert sum(ranks[row] for row in ours) == pytest.approx(len(ours) * (len(ours) + 1) / 2)
    assert ranks[Row("raw", "")] == 1.0  # better than every method: it would be first
    assert ranks[Row("random", "")] == len(ours) + 1


def test_a_row_without_scores_is_ranked_last_and_its_cells_are_counted(ran):
    assert task_ranks(ran.board, OTHER)[Row("scarf", "")] == 2
    standing = by_row(leaderboard(ran.board))["scarf"]
    assert (standing.scored, standing.planned) == (2, 4)
    assert standing.mean_rank == pytest.approx((task_ranks(ran.board, ECG)[Row("scarf", "")] + 2) / 2)


def test_losing_a_cell_never_improves_a_rank(ran, tmp_path):
    for row in (Row("scarf", ""), Row("<b>bold", ""), Row("simclr", "temperature=0.5, view.rate=0.6")):
        lost = set(ran.board.cells[(ran.board.cells["row"] == row) & (ran.board.cells["dataset"] == "ecg200")]["cell"])
        poorer = ran.altered(tmp_path, lambda t, lost=lost: t.assign(value=t["value"].where(~t["cell"].isin(lost))))
        assert task_ranks(poorer, ECG)[row] >= task_ranks(ran.board, ECG)[row]
        assert by_row(leaderboard(poorer))[str(row)].mean_rank >= by_row(leaderboard(ran.board))[str(row)].mean_rank


def test_shares_are_zero_for_random_and_one_for_supervised(ran):
    shares = task_shares(ran.board, ECG)
    assert shares[Row("random", "")] == pytest.approx(0)
    assert shares[Row("supervised", "")] == pytest.approx(1)
    floor, ceiling = (ran.board.summaries[ECG, Row(name, "")].mean for name in ("random", "supervised"))
    raw = ran.board.summaries[ECG, Row("raw", "")].mean
    assert shares[Row("raw", "")] == pytest.approx((raw - floor) / (ceiling - floor))


def test_equal_methods_tie(ran, tmp_path):
    def level(table):
        return table.assign(value=table["value"].where(table["role"] != "self-supervised", 0.5))

    found = leaderboard(ran.altered(tmp_path, level), "series")
    assert {s.place for s in found if s.role == "self-supervised"} == {"1="}


def test_modality_boards_hold_only_their_data_sets(ran):
    assert {s.tasks for s in leaderboard(ran.board, "series")} == {1}
    headings = [entry.text for entry in tables.standings(ran.board, "tabular").columns]
    assert ODD in headings
    assert "ecg200" not in headings


def test_plain_sight_says_where_raw_features_win(ran):
    notes = text.plain_sight(ran.board, damage.permuted(ran.board))
    raw = ran.board.summaries[ECG, Row("raw", "")].mean
    told = [
        note for note in notes if note.startswith("Raw features beat every method on 2 of 2 data sets under linear")
    ]
    assert len(told) == 1
    assert f"ecg200 accuracy {raw:.3f} against" in told[0]
    assert not any("random" in note for note in notes)


def test_plain_sight_says_where_the_random_encoder_wins_and_shares_vanish(ran, tmp_path):
    def lift(table):
        return table.assign(value=table["value"].where(table["method"] != "random", 0.99))

    notes = text.plain_sight(ran.altered(tmp_path, lift), [])
    assert any(note.startswith("The random (untrained) encoder beats every method on 2 of 2") for note in notes)
    assert any("too close to measure a share" in note for note in notes)


def test_a_leak_under_permuted_labels_is_flagged(ran, tmp_path):
    def leak(table):
        hit = (table["corruption"] == "permuted") & (table["method"] == "scarf") & (table["metric"] == "accuracy")
        return table.assign(value=table["value"].mask(hit, 0.9))

    leaky = ran.altered(tmp_path, leak)
    flagged = [p for p in damage.permuted(leaky) if p.leaks]
    assert {(str(p.task), str(p.row), p.metric) for p in flagged} == {("ecg200", "scarf", "accuracy")}
    assert any("permuted labels" in note for note in text.plain_sight(leaky, flagged))
    assert not [p for p in damage.permuted(ran.board) if p.leaks]


def test_chance_levels():
    assert chance("accuracy", (70, 30)) == (0.7, pytest.approx(np.sqrt(0.21 / 100)))
    assert chance("balanced_accuracy", (70, 30, 0))[0] == 0.5
    assert chance("auroc", (70, 30)) is None
    assert chance("accuracy", ()) is None


def test_balanced_accuracy_of_guessing_stays_within_its_chance_band():
    counts = (40, 15, 5)
    label = np.repeat(np.arange(3), counts)
    rng = np.random.default_rng(0)
    found = [np.mean([(g[label == c] == c).mean() for c in range(3)]) for g in rng.integers(0, 3, size=(4000, 60))]
    mean, sd = chance("balanced_accuracy", counts)
    assert np.mean(found) == pytest.approx(mean, abs=0.01)
    assert np.std(found) == pytest.approx(sd, rel=0.05)


def test_curves_start_at_the_clean_score_and_areas_follow(ran):
    curves = {(c.task, c.row): c for c in damage.curves(ran.board)}
    curve = curves[ECG, Row("raw", "")]
    assert list(curve.values.index) == [0.0, 0.2, 0.6]
    assert curve.points[0.0] == ran.board.summaries[ECG, Row("raw", "")]
    seed = curve.values.iloc[:, 0].to_numpy()
    by_hand = (0.2 * (seed[0] + seed[1]) / 2 + 0.4 * (seed[1] + seed[2]) / 2) / 0.6
    assert curve.area.n == 2
    assert by_hand in [pytest.approx(curve.area.mean + s * curve.area.sd / np.sqrt(2)) for s in (-1, 1)]
    assert details.areas(ran.board, ECG, list(curves.values())).rows


def test_corruption_before_pretraining_is_a_task_of_its_own_and_a_curve(ran, tmp_path):
    def before(table):
        other = table["dataset"] == ODD
        condition = table["condition"].mask(other, "missing_time-0.4")
        return table.assign(condition=condition, dataset=table["dataset"].mask(other, "ecg200"))

    board = ran.altered(tmp_path, before, "results", "cells")
    damaged = Task("ecg200", "missing_time-0.4")
    assert set(board.tasks) == {ECG, damaged}
    assert board.rank_tasks() == [ECG]  # a data set counts once
    assert board.summaries[damaged, Row("raw", "")] == ran.board.summaries[OTHER, Row("raw", "")]
    curves = {c.row: c for c in damage.pretraining_curves(board)}
    raw = curves[Row("raw", "")]
    assert raw.corruption == "missing_time before pretraining"
    assert raw.points[0.0] == board.summaries[ECG, Row("raw", "")]
    assert raw.points[0.4] == board.summaries[damaged, Row("raw", "")]
    assert "missing_time before pretraining" in figures.robustness_plot(board, list(curves.values()), raw.corruption)[1]


def test_what_was_trained_on_a_corruption_says_so(ran, monkeypatch):
    curves = damage.curves(ran.board)
    simclr = components("methods")["simclr"].attributes
    for seen, badges, told in ((set(), set(), False), ({"missing_mcar"}, {"simclr"}, True)):
        monkeypatch.setitem(simclr, "seen_corruptions", frozenset(seen))
        table = details.areas(ran.board, ECG, curves)
        assert {line[0].text for line in table.rows if line[2].badge == details.SEEN} == badges
        caption = figures.robustness_plot(ran.board, curves, "missing_mcar")[0]
        assert ("Trained on views that resemble it, which is an advantage: simclr." in caption) == told


def test_every_probe_and_metric_has_a_table(ran):
    found = dict(details.probe_tables(ran.board, ECG))
    assert {"linear", "svm", "linear on the projector embedding", "linear trained on permuted labels"} <= found.keys()
    headings = [entry.text for entry in found["linear"].columns]
    assert "auroc ↑" in headings
    assert "log_loss ↓" in headings
    assert found["linear"].columns[1].title.endswith("is better)")


def test_failures_name_reason_traceback_and_run(ran):
    rows = details.failures(ran.board).rows
    assert len(rows) == 2
    texts = [entry.text + entry.below + entry.title for entry in rows[0]]
    assert any("the loss became nan" in t and "pretrain.traceback.txt" in t for t in texts)
    assert any(len(t) > 30 and set(t[12:]) <= set("0123456789abcdef") for t in texts)


def test_undefined_scores_keep_their_reason(ran):
    reasons = {row[-1].text for row in details.unscored(ran.board).rows}
    assert "the scores are decision values, not probabilities" in reasons


def test_grid_axes_give_a_heat_map(ran):
    ((caption, svg),) = figures.grid_plots(ran.board)
    assert caption.startswith("simclr")
    assert "temperature" in svg


def test_a_board_of_another_plan_is_refused(ran, tmp_path):
    cells = pd.read_parquet(ran.folder / "cells.parquet")
    cells.iloc[1:].to_parquet(tmp_path / "cells.parquet")
    pd.read_parquet(ran.folder / "results.parquet").to_parquet(tmp_path / "results.parquet")
    with pytest.raises(ContractError, match="another plan"):
        Board(ran.world, tmp_path)


def test_feed_and_csv_agree_with_the_leaderboard(ran):
    feed = json.loads((ran.folder / "leaderboard.json").read_text())
    table = pd.read_csv(ran.folder / "leaderboard.csv", keep_default_na=False)
    assert set(table["scope"]) == {"all", "series", "tabular"}
    assert [row["method"] for row in feed["leaderboard"]] == list(table["method"])
    assert feed["status"] == {"ok": 26, "diverged": 2}
    first = leaderboard(ran.board)[0]
    assert feed["leaderboard"][0]["mean_rank"] == pytest.approx(first.mean_rank)
    assert [c["verdict"] for c in feed["claims"]] == ["inside", "outside", "outside", "not measured"]


def test_markdown_has_every_row_and_escapes(ran):
    written = (ran.folder / "leaderboard.md").read_text()
    assert "&lt;b>bold" in written
    assert "Raw features beat every method" in written
    assert "raw [control]" in written


def test_terminal_prints_leaderboard_notes_and_places(ran, capsys):
    terminal.show(ran.folder)
    said = capsys.readouterr().out
    for expected in (
        "scarf",
        "supervised",
        "Raw features beat every method",
        "report.html",
        "mlflow ui --host 127.0.0.1",
    ):
        assert expected in said
    assert "1 inside, 1 outside, 1 not measured" in said


def test_terminal_without_a_board_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="make run"):
        terminal.show(tmp_path)
