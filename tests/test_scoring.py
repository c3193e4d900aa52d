"""From predictions to rows."""

import numpy as np
import pytest
from sklearn import datasets
from sklearn.linear_model import LogisticRegression

from diptych.metrics.base import metrics
from diptych.probes.base import Predictions
from diptych.records import SCORE_COLUMNS, read_npz, read_table
from diptych.scoring import Place, Sheet, evaluate, ranks, unit


def _naive_rank(similarity, query, candidate):
    out = []
    for row, key in zip(similarity, query, strict=True):
        best = max(s for s, c in zip(row, candidate, strict=True) if c == key)
        others = [s for s, c in zip(row, candidate, strict=True) if c != key]
        out.append(1 + sum(s > best + 1e-6 for s in others) + 0.5 * sum(abs(s - best) <= 1e-6 for s in others))
    return np.array(out)


def test_ranks_equal_a_naive_loop():
    rng = np.random.default_rng(0)
    query, candidate = rng.integers(0, 8, 20), np.concatenate([np.arange(8), rng.integers(0, 8, 30)])
    similarity = rng.normal(size=(20, 38)).round(1)  # with ties
    assert np.array_equal(ranks(similarity, query, candidate), _naive_rank(similarity, query, candidate))


def test_constant_embeddings_retrieve_at_chance_and_not_perfectly():
    """N = 200, one relevant each: the median rank of chance is (N + 1) / 2."""
    z, key = unit(np.full((200, 7), 0.3)), np.arange(200)
    found = ranks(z @ z.T, key, key)
    assert np.unique(found).tolist() == [100.5]
    assert metrics()["hit_at_1"](np.full(200, 200), found) == 0


def test_unrelated_embeddings_retrieve_at_chance():
    rng = np.random.default_rng(0)
    a, b, key = unit(rng.normal(size=(200, 16))), unit(rng.normal(size=(200, 16))), np.arange(200)
    found = ranks(a @ b.T, key, key)
    assert np.median(found) == pytest.approx(100.5, abs=15)
    assert metrics()["mrr"](np.full(200, 200), found) == pytest.approx((1 / np.arange(1, 201)).sum() / 200, abs=0.03)


def test_best_of_several_relevant_candidates_counts():
    similarity = np.array([[0.9, 0.8, 0.7, 0.1]])
    assert ranks(similarity, np.array([5]), np.array([1, 5, 2, 5])).tolist() == [2]


def test_a_query_without_an_answer_is_an_error():
    with pytest.raises(ValueError, match="no relevant candidate"):
        ranks(np.zeros((1, 2)), np.array([3]), np.array([1, 2]))


def _fitted():
    x, y = datasets.load_wine(return_X_y=True)
    model = LogisticRegression(C=1e-3, max_iter=5000).fit(x[::2], y[::2])
    return y[1::2], model.predict_proba(x[1::2]).astype(np.float32)


def test_scores_can_be_recomputed_from_the_kept_predictions(tmp_path):
    label, p = _fitted()
    sheet = Sheet(label, np.arange(len(label)))
    sheet.add(Place("backbone", "linear"), Predictions(p, True, held_out=np.array([-1.0, -3.0])))
    sheet.add(Place("backbone", "svm", "missing_mcar", 0.2), Predictions(np.log(p), False))
    sheet.write(tmp_path / "scores.parquet", tmp_path / "predictions.npz")
    table, kept = read_table(tmp_path / "scores.parquet"), read_npz(tmp_path / "predictions.npz")
    assert tuple(table.columns) == SCORE_COLUMNS
    held_out = table["metric"] == "validation"
    assert table[held_out][["probe", "value", "n"]].values.tolist() == [["linear", -2.0, 2]]
    table = table[~held_out]
    for key, probabilities in (("backbone|linear|clean|0", True), ("backbone|svm|missing_mcar|0.2", False)):
        again = evaluate(kept["label"], kept[key], probabilities)
        rows = table[table["probe"] == key.split("|")[1]]
        assert dict(zip(rows["metric"], rows["value"], strict=True)) == pytest.approx(
            {name: value for name, (value, _) in again.items()}, abs=0, nan_ok=True
        )
    assert set(table["n"]) == {len(label)}


def test_decision_values_have_no_log_loss_and_say_so():
    label, p = _fitted()
    value, reason = evaluate(label, np.log(p), False)["log_loss"]
    assert np.isnan(value)
    assert "not probabilities" in reason


def test_one_class_in_test_is_a_reason_and_not_an_error():
    label, p = _fitted()
    found = evaluate(label[label == 1], p[label == 1], True)
    assert np.isnan(found["auroc"][0])
    assert "one class" in found["auroc"][1]
    assert np.isfinite(found["accuracy"][0])


def test_only_defined_names_and_bounds_are_written(tmp_path):
    sheet = Sheet(np.array([0, 1]), np.arange(2))
    sheet.add_value(Place("backbone", "health"), "std_ratio", 7.0, 2)
    with pytest.raises(ValueError, match=r"health clean-0 std_ratio = 7.0 is outside \[0.0, 1.0\]"):
        sheet.write(tmp_path / "scores.parquet", tmp_path / "predictions.npz")
    assert not list(tmp_path.iterdir())
