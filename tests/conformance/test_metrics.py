"""Every metric that is found: direction, bounds, and what any metric must do."""

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.linear_model import LogisticRegression

from diptych import catalog
from diptych.metrics.base import Metric, Undefined, check_bounds, metrics
from diptych.records import SCORE_COLUMNS, empty_scores, read_table, write_scores

KINDS = {"labels", "scores", "probabilities", "embeddings", "ranks", "held_out"}
LABELLED = sorted(n for n, m in metrics().items() if m.needs in ("labels", "scores", "probabilities"))


def _wine():
    """Labels and honest probabilities of a fitted model."""
    x, y = datasets.load_wine(return_X_y=True)
    model = LogisticRegression(C=1e-3, max_iter=5000).fit(x[::2], y[::2])
    return y[1::2], model.predict_proba(x[1::2])


def _value(name, truth, scores):
    metric = metrics()[name]
    return metric(truth, scores.argmax(1) if metric.needs == "labels" else scores)


def _inputs(name, rng, n=40):
    needs = metrics()[name].needs
    if needs == "embeddings":
        return rng.normal(size=(n, 5)), rng.normal(size=(n, 5))
    if needs == "held_out":
        return np.zeros(n), -rng.exponential(size=n)
    if needs == "ranks":
        return np.full(n, 30), rng.integers(2, 61, n) / 2
    scores = rng.dirichlet(np.ones(4), n)
    return rng.integers(0, 4, n), scores.argmax(1) if needs == "labels" else scores


def test_files_and_metrics_agree():
    assert set(metrics()) == set(catalog.components("metrics"))


@pytest.mark.parametrize("name", sorted(metrics()))
def test_declares_itself(name):
    metric, parsed = metrics()[name], catalog.components("metrics")[name]
    assert isinstance(metric, Metric)
    assert metric.bounds[0] < metric.bounds[1]
    assert metric.needs in KINDS
    assert metric.chance
    assert parsed.summary == type(metric).__doc__.splitlines()[0]
    assert parsed.attributes["bounds"] == metric.bounds
    assert parsed.attributes["higher_is_better"] == metric.higher_is_better


@pytest.mark.parametrize("name", sorted(metrics()))
def test_stays_within_its_bounds_and_ignores_the_order_of_rows(name):
    low, high = metrics()[name].bounds
    for seed in range(5):
        rng = np.random.default_rng(seed)
        truth, predicted = _inputs(name, rng)
        value = metrics()[name](truth, predicted)
        order = rng.permutation(len(truth))
        assert isinstance(value, float)
        assert low <= value <= high
        assert metrics()[name](truth[order], predicted[order]) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("name", sorted(metrics()))
def test_refuses_nothing_and_other_rows(name):
    truth, predicted = _inputs(name, np.random.default_rng(0))
    with pytest.raises(Undefined, match="no rows"):
        metrics()[name](truth[:0], predicted[:0])
    with pytest.raises(ValueError, match="the same rows"):
        metrics()[name](truth[:3], predicted)


@pytest.mark.parametrize("name", LABELLED)
def test_perfect_beats_good_beats_constant(name):
    truth, scores = _wine()
    perfect = np.eye(3)[truth]
    constant = np.tile(np.bincount(truth) / len(truth), (len(truth), 1))
    values = [_value(name, truth, s) for s in (constant, scores, perfect)]
    best = metrics()[name].bounds[metrics()[name].higher_is_better]
    assert values[2] == pytest.approx(best, abs=1e-9)
    assert values == sorted(values, reverse=not metrics()[name].higher_is_better)


@pytest.mark.parametrize("name", LABELLED)
def test_a_class_absent_from_test_is_no_error(name):
    truth, scores = _wine()
    keep = truth != 1
    assert np.isfinite(_value(name, truth[keep], scores[keep]))


@pytest.mark.parametrize("name", [n for n in LABELLED if metrics()[n].higher_is_better])
def test_shuffled_truth_is_at_chance(name):
    truth, scores = _wine()
    shuffled = [np.random.default_rng(seed).permutation(truth) for seed in range(40)]
    values = [_value(name, t, scores) for t in shuffled]
    chance = {"auroc": 0.5, "balanced_accuracy": 1 / 3, "auprc": 1 / 3, "macro_f1": 1 / 3}
    predicted = np.bincount(scores.argmax(1), minlength=3) / len(truth)
    expected = chance.get(name, float(predicted @ np.bincount(truth) / len(truth)))
    assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / np.sqrt(40) + 0.03)


def _row(**changes):
    row = dict(zip(SCORE_COLUMNS, ("backbone", "linear", "clean", 0.0, "accuracy", 0.5, 10, ""), strict=True))
    return pd.DataFrame([row | changes])


def test_scores_are_checked_when_they_are_written(tmp_path):
    path = tmp_path / "scores.parquet"
    for bad, message in (
        ({"value": 1.01}, r"linear clean-0 accuracy = 1.01 is outside \[0.0, 1.0\]"),
        ({"value": float("nan")}, "no value and no reason"),
        ({"metric": "acuracy"}, "unknown metric acuracy; known: accuracy"),
    ):
        with pytest.raises(ValueError, match=message):
            write_scores(path, _row(**bad))
        assert not path.exists()
    write_scores(path, _row(value=float("nan"), reason="because"))
    assert read_table(path)["reason"].tolist() == ["because"]


def test_bounds_forgive_float_error():
    check_bounds(_row(value=1 + 1e-12))
    check_bounds(empty_scores())
