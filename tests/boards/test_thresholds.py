"""Noise thresholds: known crossings are found, and rows that never cross, or start below raw, are said to."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from boards.conftest import ODD
from diptych.boards import damage, figures, page
from diptych.boards.damage import Curve
from diptych.boards.frame import Row, Task
from diptych.boards.thresholds import fall, rise, table, thresholds

S = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
TASK, RAW, OWN = Task("ecg200", ""), Row("raw", ""), Row("scarf", "")
BOARD = SimpleNamespace(metric=lambda task: "accuracy", role=lambda row: "self-supervised")
LOSSES = SimpleNamespace(metric=lambda task: "log_loss", role=lambda row: "self-supervised")


def _leads(values):
    """[severities, seeds], also of one seed."""
    values = np.asarray(values)
    return values if values.ndim == 2 else values[:, None]


def _curves(raw, own, corruption="label_noise_symmetric", severities=S):
    """Curves [severities, seeds] of raw and of one method."""
    both = ((RAW, raw), (OWN, own))
    return [Curve(TASK, row, corruption, pd.DataFrame(values, index=severities)) for row, values in both]


def _noisy(line, seeds, rng, sd=0.01):
    return line[:, None] + rng.normal(0, sd, (len(line), seeds))


def test_a_straight_line_falls_where_it_meets_zero():
    found = fall(S, _leads(0.05 - 0.2 * S))
    assert found.at == pytest.approx(0.25)
    assert np.isnan([found.low, found.high]).all()  # one seed


def test_the_first_of_several_crossings_counts():
    assert fall(S, _leads([0.1, -0.1, 0.2, 0.2, -0.2])).at == pytest.approx(0.05)


def test_level_with_raw_is_no_better_and_not_yet_better():
    assert fall(S, _leads([0.1, 0.0, 0.0, 0.1, 0.1])).at == pytest.approx(0.1)
    assert fall(S, _leads(0 * S)).at == 0
    assert rise(S, _leads(0 * S)).at == np.inf
    assert rise(S, _leads([-0.1, 0.0, 0.0, 0.1, 0.1])).at == pytest.approx(0.2)


def test_what_never_crosses_lies_beyond_the_last_severity():
    assert fall(S, _leads(0.05 + 0.2 * S)).at == np.inf
    assert rise(S, _leads(-0.05 - 0.2 * S)).at == np.inf
    assert rise(S, _leads(-0.05 + 0.2 * S)).at == pytest.approx(0.25)


@pytest.mark.parametrize("way", [fall, rise])
def test_the_interval_holds_the_true_crossing_as_often_as_it_says(way):
    rng, sign, hits = np.random.default_rng(0), 1 if way is fall else -1, 0
    for _ in range(400):
        lead = _noisy(sign * (0.05 - 0.2 * S), 3, rng) + rng.normal(0, 0.01, 3)  # seeds differ as a whole, too
        found = way(S, _leads(lead))
        assert found.low <= found.at <= found.high
        hits += found.low <= 0.25 <= found.high
    assert 0.93 < hits / 400 < 0.99


def test_an_interval_may_end_beyond_the_last_severity_or_at_the_start():
    leads = 0.05 - 0.1 * S  # near raw at 0.4
    found = fall(S, _leads(leads[:, None] + np.array([-0.02, 0.0, 0.02])))
    assert (found.at, found.high) == (np.inf, np.inf)
    assert 0 < found.low < 0.4
    assert fall(S, _leads(leads[:, None] + np.array([-0.05, 0.0, 0.05]))).low == 0


def test_seeds_are_paired():
    """Seeds differ by much more than the row differs from raw."""
    rng = np.random.default_rng(0)
    raw = _noisy(0.8 - 0.5 * S, 3, rng, 0.002) + np.array([-0.2, 0.0, 0.2])
    own = _noisy(0.85 - 0.7 * S, 3, rng, 0.002) + np.array([-0.2, 0.0, 0.2])
    (found,) = thresholds(BOARD, _curves(raw, own))
    assert (found.row, found.seeds, found.verdict) == (OWN, 3, "falls to raw")
    assert found.falls.low < 0.25 < found.falls.high
    assert found.falls.high - found.falls.low < 0.12
    assert found.rises is None


def test_a_row_that_starts_below_raw_has_threshold_zero_and_may_rise():
    (found,) = thresholds(BOARD, _curves(0.85 - 0.7 * S[:, None], 0.8 - 0.5 * S[:, None]))
    assert (found.falls.at, found.verdict) == (0, "rises above raw")
    assert found.rises.at == pytest.approx(0.25)
    (found,) = thresholds(BOARD, _curves(0.85 - 0.1 * S[:, None], 0.8 - 0.5 * S[:, None]))
    assert (found.falls.at, found.rises.at, found.verdict) == (0, np.inf, "never above raw")


def test_of_a_loss_less_is_better():
    curves = _curves(0.4 + 0.5 * S[:, None], 0.35 + 0.7 * S[:, None])
    assert thresholds(LOSSES, curves)[0].falls.at == pytest.approx(0.25)
    assert thresholds(BOARD, curves)[0].falls.at == 0


def test_seeds_that_lack_a_score_do_not_count():
    own = np.repeat(0.85 - 0.7 * S[:, None], 3, 1)
    own[2, 1] = np.nan
    (found,) = thresholds(BOARD, _curves(np.repeat(0.8 - 0.5 * S[:, None], 2, 1), own))
    assert found.seeds == 1
    assert found.falls.at == pytest.approx(0.25)
    assert thresholds(BOARD, _curves(own * np.nan, own)) == []


def test_only_damaged_labels_beside_raw_have_thresholds():
    line = 0.8 - S[:, None]
    assert thresholds(BOARD, _curves(line, line, "missing_mcar")) == []
    assert thresholds(BOARD, _curves(line, line, "label_noise_class before pretraining")) == []
    assert thresholds(BOARD, _curves(line, line)[1:]) == []
    assert len(thresholds(BOARD, _curves(line, line, "few_labels"))) == 1


def test_the_table_says_which_way_it_goes():
    rng = np.random.default_rng(0)
    raw = _noisy(0.8 - 0.5 * S, 3, rng, 0.001)
    kinds = {"label_noise_symmetric": 0.05 - 0.2 * S, "label_noise_class": 0.1 + 0 * S, "few_labels": 0.2 * S - 0.05}
    found = [t for name, lead in kinds.items() for t in thresholds(BOARD, _curves(raw, raw + lead[:, None], name))]
    drawn = table(BOARD, found)
    assert [entry.text for entry in drawn.columns] == ["data set", "method", *kinds]
    ((_, _, falls, stays, rises),) = drawn.rows
    assert falls.text.startswith("0.25 [0.2")
    assert stays.text == "> 0.4 [> 0.4, > 0.4]"
    assert rises.text == "0 [0, 0]"
    assert rises.below.startswith("better from 0.25 [0.2")
    assert "at severity 0: +0.050" in falls.title
    assert "3 seeds" in falls.title
    assert "no better" in drawn.columns[2].title


def test_the_axis_of_few_labels_says_what_it_is(ran):
    curves = [replace(curve, corruption="few_labels") for curve in damage.curves(ran.board)]
    assert "share of labels hidden" in figures.robustness_plot(ran.board, curves, "few_labels")[1]
    assert "severity of missing_mcar" in (ran.folder / "report.html").read_text(encoding="utf-8")


def test_page_text_and_feed_show_them(ran, tmp_path):
    relabelled = ran.altered(tmp_path, lambda t: t.replace({"corruption": {"missing_mcar": "label_noise_symmetric"}}))
    page.write(relabelled, tmp_path, "")
    html, text = ((tmp_path / name).read_text(encoding="utf-8") for name in ("report.html", "leaderboard.md"))
    assert 'id="thresholds"' in html
    assert "## Noise thresholds" in text
    feed = json.loads((tmp_path / "leaderboard.json").read_text(encoding="utf-8"))["thresholds"]
    assert {(t["dataset"], t["method"]) for t in feed} >= {("ecg200", "scarf"), (ODD, "random")}
    assert "supervised" not in {t["method"] for t in feed}  # its encoder saw the undamaged labels
    scarf = next(t for t in feed if (t["dataset"], t["method"]) == ("ecg200", "scarf"))
    assert (scarf["falls_at"], scarf["last"], scarf["seeds"]) == (0, 0.6, 2)  # raw has the greater skill
    plain = json.loads((ran.folder / "leaderboard.json").read_text(encoding="utf-8"))
    assert plain["thresholds"] == []
    assert "Noise thresholds" not in (ran.folder / "leaderboard.md").read_text(encoding="utf-8")
