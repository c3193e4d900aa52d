"""The comparison of a board's rows: as data, as tables, as figures."""

import json

import numpy as np
import pandas as pd
import pytest

from boards.conftest import published
from boards.world import World
from diptych.boards import comparison, comparison_tables, diagrams, selection, tables, verdict
from diptych.boards.frame import RANKED, Row
from diptych.boards.ranking import leaderboard


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("compared")
    skills = {"good<b>": 2.5, "middle": 1.2, "poor": 0.4, "random": 0.1, "supervised": 4.0}
    world = World(
        root=home / "results",
        modalities={f"data{i}": "series" for i in range(8)},
        grids={name: [{}] for name in skills},
        skills=skills,
        seeds=(0, 1),
        broken={"data0/poor": ("pretrain", "diverged", "lost")},
    ).write()
    run = published(world)
    return run.board, run.folder


def test_the_best_row_stands_at_the_top_and_the_worst_does_not(made):
    compared = comparison.compare(made[0])[0]
    top = dict(zip(compared.rows, compared.top, strict=True))
    assert top[Row("good<b>", "")]
    assert not top[Row("poor", "")]
    assert (compared.better.value[:2] > 0.9).all()
    for estimate in (compared.rank, compared.place, compared.share, compared.iqm, compared.better):
        low, high = estimate.around
        assert ((low <= estimate.value + 1e-9) & (estimate.value <= high + 1e-9)).all()


def test_ties_at_the_top_are_marked_on_the_leaderboard_and_told_in_short(made):
    found = comparison.compare(made[0])
    c, table = found[0], comparison_tables.leading(made[0], "", found)
    marked = [entries[1].text for entries in table.rows if entries[0].text.endswith(comparison_tables.TIED)]
    assert marked == [c.rows[i].method for i in comparison_tables.order(c) if c.top[i]]
    assert all(" to " in entries[2].below for entries in table.rows if entries[0].text != "–")
    told = f"{len(marked)} of 3 rows are tied" if len(marked) > 1 else "No other row is tied with the first."
    assert any(said.startswith(told) for said in verdict.sentences(made[0], found))


def test_a_modality_that_is_all_there_is_has_the_intervals_of_the_whole(made):
    (modality,), found = made[0].modalities, comparison.compare(made[0])
    whole, own = (comparison_tables.leading(made[0], scope, found).rows for scope in ("", modality))
    assert [entries[2].below for entries in whole] == [entries[2].below for entries in own]


def test_mean_ranks_and_places_are_those_of_the_leaderboard(made):
    compared = comparison.compare(made[0])[0]
    standing = {s.row: (s.mean_rank, float(s.place.rstrip("="))) for s in leaderboard(made[0]) if s.place}
    for i, row in enumerate(compared.rows):
        assert (compared.rank.value[i], compared.place.value[i]) == pytest.approx(standing[row])


def test_every_draw_has_one_first_place(made):
    compared = comparison.compare(made[0])[0]
    assert compared.first.value.sum() == pytest.approx(1)
    assert compared.first.value.argmax() == compared.rank.value.argmin()


def test_rows_of_a_grid_are_those_that_the_leaderboard_ranks(ran):
    found = comparison.compare(ran.board)
    assert found[0].scope == "all"
    for c in found:
        standings = leaderboard(ran.board, "" if c.scope == "all" else c.scope)
        ranked = {s.row: s.mean_rank for s in standings if s.role == RANKED}
        assert dict(zip(c.rows, c.rank.value.tolist(), strict=True)) == pytest.approx(ranked)
    assert {selection.FIRST, "best of 4 by validation"} <= {row.config for row in found[0].rows}


def test_a_row_of_few_data_sets_has_no_interval(ran):
    c = comparison.compare(ran.board)[0]
    few = {c.rows[i].method for i in comparison_tables.order(c) if c.planned[i].sum() < comparison.FEWEST}
    table = comparison_tables.table(c)
    bare = {line[0].text for line in table.rows if not line[1].below and "–" not in line[2].text}
    assert few == bare == {"<b>bold", "scarf", "simclr"}


def test_a_seed_that_no_row_has_is_missing_and_counts_against_none(ran, tmp_path):
    def lost(table):
        return table.assign(value=table["value"].mask((table["dataset"] == "ecg200") & (table["seed"] == 1)))

    c, before = (comparison.compare(board)[0] for board in (ran.altered(tmp_path, lost), ran.board))
    gone = c.missing & ~before.missing
    assert gone.sum() == c.planned[:, [task.dataset == "ecg200" for task in c.tasks]].sum()
    assert not np.isnan(c.raw[gone]).any()
    said = f"{c.missing.sum()} of {c.planned.sum() * 2} planned cells have no score"
    assert any(note.startswith(said) for note in comparison_tables.notes(c))
    assert comparison_tables.policies(c).rows


def test_policies_stand_side_by_side_with_their_denominators(made):
    found = comparison_tables.policies(comparison.compare(made[0])[0])
    heads = [(c.text, c.below) for c in found.columns[2:]]
    assert heads == [
        ("control floor", "8 data sets"), ("worst rank (default)", "8 data sets"), ("complete cases", "7 data sets"),
    ]  # fmt: skip
    assert [line[1].text for line in found.rows if line[0].text == "poor"] == ["2/16"]


def test_feeds_and_texts_say_the_same(made):
    board, folder = made
    csv = pd.read_csv(folder / "leaderboard.csv")
    ours = csv[(csv["scope"] == "all") & (csv["role"] == "self-supervised")]
    assert ours[["rank_low", "rank_high", "place_low", "place_high", "top_group"]].notna().all(axis=None)
    assert csv[csv["role"] == "control"]["rank_low"].isna().all()
    feed = json.loads((folder / "leaderboard.json").read_text())
    assert len(feed["comparison"]) == 2 * 3  # all, and the one modality
    assert (
        tables.markdown(comparison_tables.table(comparison.compare(board)[0]))
        in (folder / "leaderboard.md").read_text()
    )
    html = (folder / "report.html").read_text()
    assert 'id="comparison"' in html
    assert "good<b>" not in html


def test_the_same_plan_gives_the_same_intervals(made):
    first, second = (comparison.compare(made[0])[0].feed for _ in range(2))
    assert first == second


def test_joined_rows_are_runs_without_a_difference():
    same = np.ones((4, 4), dtype=bool)
    same[0, 2:] = same[2:, 0] = False
    assert diagrams.cliques(same) == [(0, 1), (1, 3)]
    assert diagrams.cliques(np.eye(3, dtype=bool)) == []
