import numpy as np
import pytest

from diptych.stats import Summary, area, compared, pooled_sd, ranks, retained, share, summarise

NAN = float("nan")


def naive_ranks(scores, tolerance):
    found = []
    for own in scores:
        better = sum(other - own > tolerance for other in scores)
        tied = sum(abs(other - own) <= tolerance for other in scores)
        found.append(1 + better + (tied - 1) / 2)
    return found


@pytest.mark.parametrize("tolerance", [0.0, 0.03])
def test_ranks_equal_a_naive_loop_and_always_sum_to_the_same(tolerance):
    rng = np.random.default_rng(0)
    for _ in range(50):
        scores = rng.integers(0, 12, size=7) / 100 + 0.8
        found = ranks(scores, tolerance + 1e-12)
        assert found.tolist() == naive_ranks(scores.tolist(), tolerance + 1e-12)
        assert found.sum() == 7 * 8 / 2


def test_equal_scores_share_a_rank():
    assert ranks(np.array([0.9, 0.9, 0.1])).tolist() == [1.5, 1.5, 3.0]


def test_a_missing_score_is_last_and_never_helps():
    scores = np.array([0.9, 0.5, 0.7])
    for lost in range(3):
        without = scores.copy()
        without[lost] = -np.inf
        assert ranks(without)[lost] == 3.0
        assert ranks(without)[lost] >= ranks(scores)[lost]
    assert ranks(np.array([-np.inf, 0.1, -np.inf])).tolist() == [2.5, 1.0, 2.5]


def test_what_takes_no_part_has_no_rank_and_leaves_the_others_theirs():
    found = ranks(np.array([[0.9, NAN, 0.5], [NAN, 0.1, -np.inf]]), np.array([0.0, 0.2]))
    assert np.array_equal(found, [[1.0, NAN, 2.0], [NAN, 1.0, 2.0]], equal_nan=True)


def test_summary_ignores_what_is_missing_and_has_no_sd_for_one_seed():
    assert summarise([0.5, NAN, 0.7]) == Summary(0.6, pytest.approx(np.std([0.5, 0.7], ddof=1)), 2)
    one = summarise([0.5])
    assert one.n == 1
    assert np.isnan(one.sd)
    assert summarise([]).n == 0


def test_pooled_sd_weighs_by_degrees_of_freedom():
    groups = [np.array([0.1, 0.3]), np.array([0.5, 0.6, 0.9]), np.array([0.2])]
    within = sum(((g - g.mean()) ** 2).sum() for g in groups)
    assert pooled_sd(map(summarise, groups)) == pytest.approx(np.sqrt(within / 3))
    assert pooled_sd([summarise([0.3])]) == 0.0


def test_share_is_a_linear_scale_that_is_not_clipped():
    floor, ceiling = Summary(0.6, NAN, 1), Summary(0.8, NAN, 1)
    assert share(0.6, floor, ceiling, True) == 0.0
    assert share(0.9, floor, ceiling, True) == pytest.approx(1.5)
    assert share(0.5, floor, ceiling, True) == pytest.approx(-0.5)


def test_share_of_a_loss_counts_downwards():
    floor, ceiling = Summary(0.9, NAN, 1), Summary(0.4, NAN, 1)
    assert share(0.4, floor, ceiling, False) == pytest.approx(1.0)
    assert np.isnan(share(0.4, floor, ceiling, True))  # a supervised row below the random one is no scale


def test_share_is_undefined_where_the_way_is_short():
    assert np.isnan(share(0.9, Summary(0.8, NAN, 1), Summary(0.805, NAN, 1), True))
    assert np.isnan(share(0.9, Summary(0.7, 0.05, 5), Summary(0.8, 0.05, 5), True))  # two sds, three are needed
    assert np.isfinite(share(0.9, Summary(0.7, 0.01, 5), Summary(0.8, 0.01, 5), True))


def test_area_of_a_straight_line_is_its_middle():
    severities = np.array([0.4, 0.0, 0.2])
    assert area(severities, 1 - severities) == pytest.approx(0.8)
    assert area(severities, np.array([NAN, 1.0, 0.5])) == pytest.approx(0.75)
    assert np.isnan(area(np.array([0.0]), np.array([1.0])))


def test_retained_is_one_without_loss_and_zero_at_chance():
    severities = np.array([0.0, 0.5])
    assert retained(severities, np.array([0.9, 0.9]), 0.5) == pytest.approx(1.0)
    assert retained(severities, np.array([0.9, 0.5]), 0.5) == pytest.approx(0.5)
    assert retained(severities, np.array([0.9, 0.1]), 0.5) == pytest.approx(0.5)  # below chance counts as chance
    assert np.isnan(retained(severities, np.array([0.5, 0.5]), 0.5))


def test_two_rows_are_compared_by_their_own_spread():
    own, other, erratic = (summarise(v) for v in ([0.90, 0.91, 0.92], [0.88, 0.89, 0.90], [0.57, 0.98, 0.99]))
    assert compared(own, other, True) == 1
    assert compared(other, own, True) == -1
    assert compared(own, other, False) == -1
    assert compared(own, erratic, True) == 0  # .04 higher, but the other strays by .26
    assert compared(own, own, True) == 0
