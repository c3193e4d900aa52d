"""Frozen against fine-tuned: differences inside seeds, against the encoder's own start, and none where not asked."""

import json

import numpy as np
import pytest

from boards.conftest import published
from boards.world import World
from diptych.boards import finetuned
from diptych.boards.frame import Board


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """Pretraining helps simclr's fine-tuning, scarf's not; raw has nothing to tune."""
    world = World(
        root=tmp_path_factory.mktemp("tuned") / "results",
        modalities={"ecg200": "series", "wine": "tabular"},
        grids={"simclr": [{}], "scarf": [{}], "raw": [{}], "random": [{}]},
        skills={"simclr": 1.0, "scarf": 3.0, "raw": 1.0, "random": 0.3},
        tuned={"simclr": 4.0, "scarf": 0.5, "random": 1.0},
        seeds=(0, 1, 2, 3),
        broken={"wine/scarf": ("pretrain", "diverged", "the loss became nan")},
    ).write()
    return published(world)


def _found(tuned):
    return {(c.task.dataset, c.row.method): c for c in finetuned.compare(tuned.board)}


def test_every_planned_row_stands_there_the_best_first(tuned):
    found = finetuned.compare(tuned.board)
    assert len(found) == 8
    assert [c.row.method for c in found if c.task.dataset == "ecg200"] == ["simclr", "random", "scarf", "raw"]


def test_the_difference_is_that_of_the_files(tuned):
    found = _found(tuned)["ecg200", "simclr"]
    scores = tuned.board.results.query("dataset == 'ecg200' and method == 'simclr' and metric == 'accuracy'")
    scores = scores[(scores["embedding"] == "backbone") & (scores["corruption"] == "clean")]
    by_seed = scores.pivot(index="seed", columns="probe", values="value")
    differences = by_seed["finetune"] - by_seed["linear"]
    assert found.gain.mean == pytest.approx(differences.mean())
    half = 3.182446 * differences.std() / 2  # t(0.975, 3), four seeds
    assert (found.gain.low, found.gain.high) == pytest.approx((differences.mean() - half, differences.mean() + half))


def test_signs_and_what_pretraining_is_worth(tuned):
    found = _found(tuned)
    assert found["ecg200", "simclr"].gain.verdict == "shown"
    assert found["ecg200", "simclr"].pretraining.verdict == "shown"
    assert found["ecg200", "scarf"].gain.verdict == "opposite"
    assert found["ecg200", "scarf"].pretraining.mean < 0
    assert np.isnan(found["ecg200", "random"].pretraining.mean)  # nothing to compare the start with


def test_what_cannot_be_tuned_or_failed_has_no_value(tuned):
    raw, failed = _found(tuned)["wine", "raw"], _found(tuned)["wine", "scarf"]
    assert (raw.frozen.n, raw.tuned.n, failed.frozen.n) == (4, 0, 0)
    assert np.isnan([raw.gain.mean, failed.gain.mean, failed.pretraining.low]).all()


def test_page_text_and_feed_have_it(tuned):
    feed = json.loads((tuned.folder / "leaderboard.json").read_text(encoding="utf-8"))["finetuned"]
    line = next(entry for entry in feed if (entry["dataset"], entry["method"]) == ("ecg200", "simclr"))
    assert line["gain_low"] < line["gain"] < line["gain_high"]
    assert line["gain"] == pytest.approx(line["finetuned"] - line["frozen"])
    assert next(entry for entry in feed if entry["method"] == "raw")["gain"] is None
    html = (tuned.folder / "report.html").read_text(encoding="utf-8")
    assert 'id="finetuned"' in html
    assert "nothing to fine-tune" in html  # among the scores that are not defined
    assert "## Frozen against fine-tuned" in (tuned.folder / "leaderboard.md").read_text(encoding="utf-8")


def test_a_loss_is_better_when_it_falls(tuned, monkeypatch):
    monkeypatch.setattr(Board, "metric", lambda *_: "log_loss")
    board = Board(tuned.world, tuned.folder)
    found = next(c for c in finetuned.compare(board) if (c.task.dataset, c.row.method) == ("ecg200", "simclr"))
    assert found.gain.mean < 0
    entry = next(r[4] for r in finetuned.table(board, [found]).rows)
    assert entry.kind == "number good"


def test_without_fine_tuning_there_is_no_table(ran):
    assert finetuned.compare(ran.board) == []
    assert 'id="finetuned"' not in (ran.folder / "report.html").read_text(encoding="utf-8")
    assert "Fine-tuned" not in (ran.folder / "report.html").read_text(encoding="utf-8")
