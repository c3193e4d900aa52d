"""Kept columns, uniform factors of their own for every other cell, and views that never meet."""

import pytest
import torch
from scipy.stats import kstest

from diptych.batch import Batch
from diptych.views.scaled_tail import ScaledTail


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def batch_of(x):
    rows = torch.arange(len(x))
    return Batch(x, rows, rows)


@pytest.fixture
def signs():
    return torch.randint(0, 2, (400, 12), generator=seeded(1)) * 2.0 - 1


def test_kept_columns_stay_and_the_others_are_scaled_apart(signs):
    before = signs.clone()
    views = [view.x for view in ScaledTail({"shape": [12]}, kept=5)(batch_of(signs), seeded())]
    assert torch.equal(signs, before)
    factors = [x[:, 5:] * signs[:, 5:] for x in views]  # [400, 7]
    for x, factor in zip(views, factors, strict=True):
        assert torch.equal(x[:, :5], signs[:, :5])
        assert torch.equal(x.sign(), signs)
        assert kstest(factor.flatten().numpy(), "uniform").pvalue > 1e-3
    both = torch.cat([torch.stack([f.flatten() for f in factors]), factors[0].roll(1, 0).flatten()[None]])
    correlation = torch.corrcoef(torch.cat([both, factors[0].roll(1, 1).flatten()[None]]))
    assert correlation[~torch.eye(4, dtype=torch.bool)].abs().max() < 0.06  # views, rows and columns are independent


def test_views_of_rows_with_other_signs_never_coincide(signs):
    """Whatever the factors: the signs of a view say which row it is of."""
    view, distinct = ScaledTail({"shape": [12]}, kept=0), signs.unique(dim=0)
    for seed in range(5):
        first, second = (v.x for v in view(batch_of(distinct), seeded(seed)))
        same = (first.sign()[:, None] == second.sign()[None]).all(2)
        assert torch.equal(same, torch.eye(len(distinct), dtype=torch.bool))


def test_draws_follow_the_seed_and_missing_values_stay_missing(signs):
    view = ScaledTail({"shape": [12]})
    signs[3, [2, 11]] = torch.nan
    batch = batch_of(signs)
    first, again, other = (view(batch, seeded(seed))[0].x for seed in (3, 3, 4))
    assert torch.equal(first.nan_to_num(9), again.nan_to_num(9))
    assert not torch.equal(first.nan_to_num(9), other.nan_to_num(9))
    assert torch.equal(first.isnan(), signs.isnan())
    assert torch.equal(view(batch, seeded())[0].index, batch.index)


@pytest.mark.parametrize(
    ("kept", "message"), [(-1, "must not be negative; it is -1"), (12, "it is 12, a row has 12"), (13, "a row has 12")]
)
def test_an_impossible_split_of_columns_is_refused(kept, message):
    with pytest.raises(ValueError, match=message):
        ScaledTail({"shape": [12]}, kept=kept)
