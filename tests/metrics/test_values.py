"""Metrics against scikit-learn, naive loops, and closed forms."""

import numpy as np
import pytest
from scipy.special import hyp0f1
from sklearn import datasets
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from diptych.metrics.base import Undefined, metrics


def _fitted(loader, classes):
    x, y = loader(return_X_y=True)
    x, y = x[y < classes], y[y < classes]
    model = LogisticRegression(C=1e-3, max_iter=5000).fit(x[::2], y[::2])
    return y[1::2], model.predict_proba(x[1::2])


@pytest.fixture(params=[2, 3], ids=["binary", "three"])
def fitted(request):
    return _fitted(datasets.load_wine, request.param)


def _pairs_won(truth, score):
    """AUROC as its definition has it."""
    gaps = score[truth][:, None] - score[~truth][None]
    return ((gaps > 0) + 0.5 * (gaps == 0)).mean()


def test_equal_to_scikit_learn(fitted):
    truth, p = fitted
    chosen = p.argmax(1)
    found = metrics()
    assert found["accuracy"](truth, chosen) == sk.accuracy_score(truth, chosen)
    assert found["balanced_accuracy"](truth, chosen) == pytest.approx(sk.balanced_accuracy_score(truth, chosen))
    assert found["macro_f1"](truth, chosen) == pytest.approx(sk.f1_score(truth, chosen, average="macro"))
    assert found["log_loss"](truth, p) == pytest.approx(sk.log_loss(truth, p))
    auroc = sk.roc_auc_score(truth, p[:, 1]) if p.shape[1] == 2 else sk.roc_auc_score(truth, p, multi_class="ovr")
    assert found["auroc"](truth, p) == pytest.approx(auroc)


def test_auroc_is_the_share_of_pairs_won(fitted):
    truth, p = fitted
    p = p.round(1)  # with ties
    classes = [1] if p.shape[1] == 2 else range(3)
    expected = np.mean([_pairs_won(truth == c, p[:, c]) for c in classes])
    assert metrics()["auroc"](truth, p) == pytest.approx(expected)


def test_auprc_is_a_step_sum(fitted):
    truth, p = fitted
    classes = [1] if p.shape[1] == 2 else range(3)
    expected = []
    for c in classes:
        order = np.argsort(-p[:, c])
        hits = (truth == c)[order]
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        expected.append(precision[hits].mean())
    assert metrics()["auprc"](truth, p) == pytest.approx(np.mean(expected))


def test_absent_class_counts_neither_for_nor_against():
    truth, p = _fitted(datasets.load_wine, 3)
    keep = truth != 2
    for name in ("auroc", "auprc"):
        per_class = [metrics()[name](truth[keep] == c, np.stack([-p[keep, c], p[keep, c]], 1)) for c in (0, 1)]
        assert metrics()[name](truth[keep], p[keep]) == pytest.approx(np.mean(per_class))


@pytest.mark.parametrize("name", ["auroc", "auprc"])
def test_one_class_in_test_has_no_ranking(name):
    with pytest.raises(Undefined, match="one class"):
        metrics()[name](np.zeros(5, int), np.random.default_rng(0).random((5, 3)))


def test_a_constant_score_ranks_at_chance():
    truth, p = _fitted(datasets.load_wine, 3)
    assert metrics()["auroc"](truth, np.ones_like(p)) == 0.5
    prevalence = np.mean(np.bincount(truth) / len(truth))
    assert metrics()["auprc"](truth, np.ones_like(p)) == pytest.approx(prevalence)


def test_log_loss_of_a_wrong_certainty_is_finite():
    certain = np.array([[1.0, 0.0]], np.float32)
    assert metrics()["log_loss"](np.array([1]), certain) == pytest.approx(-np.log(1e-15))


def test_retrieval_metrics():
    ranks = np.array([1.0, 1.5, 3.0, 10.0, 11.0])
    candidates = np.full(5, 20)
    found = {name: m(candidates, ranks) for name, m in metrics().items() if m.needs == "ranks"}
    assert found == {
        "hit_at_1": 0.2,
        "hit_at_5": 0.6,
        "hit_at_10": 0.8,
        "median_rank": 3.0,
        "mrr": pytest.approx((1 + 1 / 1.5 + 1 / 3 + 0.1 + 1 / 11) / 5),
    }


def _sphere(n, d, seed=0):
    z = np.random.default_rng(seed).normal(size=(n, d))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def test_uniformity_equals_a_naive_loop_and_does_not_care_for_length():
    z = _sphere(60, 4)
    pairs = [np.exp(-2 * ((z[i] - z[j]) ** 2).sum()) for i in range(60) for j in range(i)]
    stretched = z * np.random.default_rng(1).uniform(0.1, 9, (60, 1))
    assert metrics()["uniformity"](z, stretched) == pytest.approx(np.log(np.mean(pairs)))


@pytest.mark.parametrize(("d", "expected"), [(2, -1.575), (3, -2.080), (8, -3.082), (64, -3.875)])
def test_uniformity_of_the_uniform_sphere(d, expected):
    z = _sphere(3000, d)
    assert metrics()["uniformity"](z, z) == pytest.approx(-4 + np.log(hyp0f1(d / 2, 4.0)), abs=0.02)
    assert -4 + np.log(hyp0f1(d / 2, 4.0)) == pytest.approx(expected, abs=1e-3)


def test_uniformity_of_the_extremes():
    same = np.tile([[0.3, 0.4]], (5, 1))
    assert metrics()["uniformity"](same, same) == pytest.approx(0, abs=1e-12)
    opposite = np.array([[1.0, 0.0], [-1.0, 0.0]])
    assert metrics()["uniformity"](opposite, opposite) == pytest.approx(-8)
    assert metrics()["uniformity"](same[:1], same[:1]) == 0


def test_alignment_is_two_minus_twice_the_cosine():
    a, b = _sphere(50, 6, 0), _sphere(50, 6, 1)
    assert metrics()["alignment"](a, 7 * b) == pytest.approx(2 - 2 * (a * b).sum(1).mean())
    assert metrics()["alignment"](a, a) == 0


def test_large_embeddings_keep_their_pairs():
    """Both views are thinned to the same rows."""
    z = _sphere(6000, 3)
    assert metrics()["alignment"](z, z * 2) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("n", "expected"), [(128, 59.2), (256, 61.7), (2000, 63.7)])
def test_effective_rank_of_gaussians(n, expected):
    z = np.random.default_rng(0).normal(size=(n, 64))
    assert metrics()["effective_rank"](z, z) == pytest.approx(expected, abs=0.4)


def test_effective_rank_is_uncentred():
    z = np.random.default_rng(0).normal(size=(2000, 64))
    assert metrics()["effective_rank"](z, z + 5) == pytest.approx(24, abs=1)


def test_collapse():
    same = np.tile(np.random.default_rng(0).normal(size=(1, 8)), (30, 1))
    found = {name: metrics()[name](same, same) for name in ("effective_rank", "collapsed_dimensions", "std_ratio")}
    assert found == {
        "effective_rank": pytest.approx(1, abs=1e-3),
        "collapsed_dimensions": 1.0,
        "std_ratio": pytest.approx(0, abs=1e-9),
    }
    zero = np.zeros((30, 8))
    assert [metrics()[name](zero, zero) for name in found] == [1.0, 1.0, 0.0]


def test_shared_information_of_gaussians():
    """A critic on the sphere stays below the truth, which is −d/2 ln(1 − ρ²), and grows with it."""
    rng = np.random.default_rng(0)
    first, noise = rng.normal(size=(2, 1024, 8))
    found = [
        metrics()["shared_information"](first, rho * first + (1 - rho**2) ** 0.5 * noise) for rho in (0, 0.5, 0.8, 0.95)
    ]
    truth = [-4 * np.log(1 - rho**2) for rho in (0, 0.5, 0.8, 0.95)]
    assert found == sorted(found)
    assert all(0 <= bound <= true + 0.01 for bound, true in zip(found, truth, strict=True))
    assert found[1] > 0.7 * truth[1]


def test_shared_information_of_equal_views_reaches_the_cap():
    z = np.random.default_rng(0).normal(size=(600, 64))
    assert metrics()["shared_information"](z, z) == pytest.approx(np.log(512), abs=1e-3)
    assert metrics()["shared_information"](np.ones((600, 4)), np.ones((600, 4))) == 0


def test_std_ratio_and_dead_dimensions_of_a_healthy_embedding():
    z = _sphere(2000, 16)
    assert metrics()["std_ratio"](z, z) == pytest.approx(1, abs=0.02)
    half = np.concatenate([z, np.zeros_like(z)], 1)
    assert metrics()["collapsed_dimensions"](half, half) == 0.5
