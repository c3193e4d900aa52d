"""Verdicts of scores that came back, on numbers whose verdict is known."""

import numpy as np
import pytest
from scipy.stats import t

from diptych.audits.verdicts import close, rbo, spread, tau, too_many, verdict, worst

NAN = float("nan")
SEEDS = [0.70, 0.72, 0.71, 0.73, 0.69]


def of(old, new, known=None, same_bytes=False):
    return verdict(old, new, same_bytes=same_bytes, known=known or spread(SEEDS))


def test_a_verdict_gets_worse_with_the_distance():
    assert of(0.7, 0.7, same_bytes=True) == "identical"
    assert of(0.7, 0.7) == "numeric"
    assert of(0.7, 0.7 * (1 + 9e-7), same_bytes=True) == "numeric"
    assert of(0.7, 0.71) == "seed-noise"
    assert of(0.7, 0.80) == "shifted"


def test_an_undefined_score_must_stay_undefined():
    assert of(NAN, NAN, same_bytes=True) == "identical"
    assert of(NAN, 0.7, spread([NAN])) == "shifted"
    assert of(0.7, NAN) == "shifted"


def test_the_interval_is_the_prediction_interval_of_the_stored_seeds():
    far = t.ppf(0.975, 4) * np.std(SEEDS, ddof=1) * np.sqrt(1 + 1 / 5)
    assert spread(SEEDS, [[0.0, 1.0]]).interval == pytest.approx((0.71 - far, 0.71 + far))


def test_below_five_seeds_the_spread_is_pooled_and_said_so():
    known = spread([0.7, 0.72, 0.71], [[0.5, 0.6, 0.55], [0.9]])
    sd = np.sqrt((np.var([0.7, 0.72, 0.71], ddof=1) + np.var([0.5, 0.6, 0.55], ddof=1)) / 2)
    assert known.pooled
    assert known.df == 4
    assert known.sd == pytest.approx(sd)
    assert "pooled over data sets" in str(known)
    assert "own sd" in str(spread(SEEDS))


def test_one_seed_everywhere_has_no_spread():
    known = spread([0.7], [[0.5]])
    assert of(0.7, 0.70001, known) == "shifted"
    assert "no spread is known" in str(known)


def test_the_prediction_interval_holds_a_new_seed_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(600, 6))
    held = [of(0.0, row[5], spread(row[:5])) == "seed-noise" for row in draws]
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)


def test_so_many_shifted_scores_by_chance():
    assert too_many(0, 20) == pytest.approx(1.0)
    assert too_many(1, 20) == pytest.approx(1 - 0.95**20)
    assert too_many(6, 20) < 0.001


def test_rank_agreement_is_of_what_both_rank():
    old = {"a": 1.0, "b": 2.0, "c": 3.0, "gone": 0.0}
    assert tau(old, {"a": 2.0, "b": 4.0, "c": 6.0, "new": 0.0}) == pytest.approx(1)
    assert tau(old, {"a": 3.0, "b": 2.0, "c": 1.0}) == pytest.approx(-1)
    assert np.isnan(tau(old, {"a": 1.0}))


def naive_rbo(first, second, p=0.9):
    """Extrapolated overlap of two lists without ties, depth by depth (Webber et al. 2010, eq. 32)."""
    shared = [len(set(first[:d]) & set(second[:d])) / d for d in range(1, len(first) + 1)]
    return shared[-1] * p ** len(first) + (1 - p) / p * sum(a * p**d for d, a in enumerate(shared, 1))


def test_rank_biased_overlap_is_the_papers_and_heaviest_at_the_top():
    names = [f"method{i}" for i in range(12)]
    order = [names[i] for i in np.random.default_rng(0).permutation(12)]
    ranked = [{name: float(place) for place, name in enumerate(side)} for side in (names, order)]
    assert rbo(*ranked) == pytest.approx(naive_rbo(names, order))
    assert rbo(ranked[0], ranked[0]) == pytest.approx(1)
    top, bottom = [names[1], names[0], *names[2:]], [*names[:10], names[11], names[10]]
    assert naive_rbo(names, top) < naive_rbo(names, bottom) < 1
    assert np.isnan(rbo({"a": 1.0}, {"a": 1.0}))


def test_rows_that_are_tied_enter_together():
    assert rbo({"a": 1.5, "b": 1.5, "c": 3.0}, {"a": 1.5, "b": 1.5, "c": 3.0}) == pytest.approx(1)
    # Of one row against two there are 2 · 1 / 3 at depth 1; all at depths 2 and 3.
    expected = 0.9**3 + 0.1 / 0.9 * (2 / 3 * 0.9 + 0.9**2 + 0.9**3)
    assert rbo({"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 1.5, "b": 1.5, "c": 3.0}) == pytest.approx(expected)


def test_a_whole_is_as_good_as_its_worst_part():
    assert worst(["identical", "shifted", "numeric"]) == "shifted"
    assert worst([]) == "identical"


def test_zero_is_close_to_zero_alone():
    assert close(0.0, 0.0)
    assert not close(0.0, 1e-9)
