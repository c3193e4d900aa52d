"""TimesURL: what mixing frequencies leaves alone, made-up negatives, hidden segments, and the parts of the loss."""

import pytest
import torch

from diptych.batch import Batch
from diptych.parts.masked_series import without_segments
from diptych.parts.mixing import universum, with_bins_of
from diptych.views.frequency_mixed_crops import FrequencyMixedCrops
from diptych.views.overlapping_crops import OverlappingCrops

SMALL = {"hidden": 8, "dim": 12, "depth": 3}


def spectrum(x):
    return torch.fft.rfft(x, dim=1)


@pytest.fixture
def series(rng):
    """Two unrelated batches of six series."""
    return torch.randn(2, 6, 31, 2, generator=rng(1)).unbind(0)


def test_no_frequency_changes_nothing_and_all_of_them_give_the_partner(series):
    x, partner = series
    none = torch.zeros(6, 16, 1, dtype=torch.bool)
    torch.testing.assert_close(with_bins_of(x, partner, none, protected=0), x)
    torch.testing.assert_close(with_bins_of(x, partner, ~none, protected=0), partner)


@pytest.mark.parametrize("strongest", [1, 2, 5])
def test_the_strongest_frequencies_stay(strongest, series):
    """The others are the partner's, and the result is real and as often negative as its sources."""
    x, partner = series
    mixed = with_bins_of(x, partner, torch.ones(6, 16, 1, dtype=torch.bool), protected=strongest)
    assert mixed.dtype == x.dtype
    assert 0.4 < (mixed < 0).float().mean() < 0.6
    top = spectrum(x).abs().topk(strongest, dim=1).indices
    torch.testing.assert_close(spectrum(mixed).gather(1, top), spectrum(x).gather(1, top))
    unchanged = (spectrum(mixed) - spectrum(x)).abs() < 1e-4
    assert torch.equal(unchanged.sum(1), torch.full((6, 2), strongest))
    others = spectrum(mixed)[~unchanged]
    torch.testing.assert_close(others, spectrum(partner)[~unchanged])


def test_the_second_crop_is_mixed_and_the_first_is_not(series):
    x = series[0].clone()
    x[0, 3:6], x[1, 20:] = torch.nan, torch.nan
    batch = Batch(x, torch.arange(6), torch.arange(6))
    for seed in range(20):
        plain = OverlappingCrops({})(batch, torch.Generator().manual_seed(seed))
        for rate in (0.0, 1.0):
            view = FrequencyMixedCrops({}, rate=rate)
            first, second = view(batch, torch.Generator().manual_seed(seed))
            assert (first.span, second.span) == (plain[0].span, plain[1].span)
            assert torch.equal(first.x.nan_to_num(9), plain[0].x.nan_to_num(9))
            assert torch.equal(second.x.isnan(), plain[1].x.isnan())
            same = torch.allclose(second.x, plain[1].x, atol=1e-5, equal_nan=True)
            assert same == (rate == 0 or second.x.shape[1] < 4)  # up to 3 steps: no frequency beyond the protected two
    with pytest.raises(ValueError, match=r"view\.protected must be at least 0"):
        FrequencyMixedCrops({}, protected=-1)


def test_made_up_negatives_are_never_a_row_itself(rng):
    z = torch.eye(5).expand(3, 5, 5)
    seen = torch.zeros(5, 5)
    for seed in range(200):
        made_up = universum(z, rng(seed), share=0.2)
        torch.testing.assert_close(made_up.diagonal(dim1=1, dim2=2), torch.full((3, 5), 0.2))
        assert torch.equal((made_up == 0.8).sum(2), torch.ones(3, 5).long())  # one partner each
        assert torch.equal((made_up == 0.8).sum(1), torch.ones(3, 5).long())  # and each is one's partner
        seen += (made_up[0] == 0.8).float()
    assert (seen[~torch.eye(5, dtype=torch.bool)] > 20).all()


def test_hidden_segments_are_shares_of_what_was_observed(rng):
    x = torch.arange(100.0)[None, :, None].repeat(200, 1, 2)
    x[1::2, 60:] = torch.nan
    x[:, ::2, 1] = torch.nan  # the second channel has every other value
    rest, hidden = without_segments(x, rng(), segments=3, share=0.1)
    assert torch.equal(rest.isnan() & hidden.isnan(), x.isnan())
    assert torch.equal(torch.where(rest.isnan(), hidden, rest).nan_to_num(-1), x.nan_to_num(-1))
    count = (~hidden.isnan()).sum(1)  # [200, 2]
    for rows, most in ((count[::2], (30, 15)), (count[1::2], (18, 9))):
        assert rows.amax(0).tolist() == [*most]  # disjoint
        assert (rows.amin(0) >= torch.tensor(most) // 3).all()
    assert not torch.equal(hidden[..., 0].isnan()[0], hidden[..., 0].isnan()[2])
    short = without_segments(torch.full((2, 3, 1), torch.nan), rng(), segments=3, share=0.05)
    assert all(part.isnan().all() for part in short)


def test_the_loss_is_contrast_and_reconstruction(strokes, made, rng):
    _, batch = strokes
    batch = batch.take(torch.arange(1, 9))
    whole, filling, made_up = (
        made("timesurl", strokes, encoder=SMALL | {"dropout": 0.0}, **settings).loss(batch, rng(4)).item()
        for settings in ({"contrast": 1.0}, {"contrast": 0.0}, {"contrast": 1.0, "own": 1.0})
    )
    assert filling > 0
    assert whole > filling
    assert made_up != whole


def test_the_contrast_reads_whole_crops_and_the_reconstruction_the_rest(strokes, made, rng):
    """As in the authors' encoder: two passes, of which only one is without the hidden segments."""
    _, batch = strokes
    method = made("timesurl", strokes, encoder=SMALL | {"dropout": 0.0}).eval()
    (crop, _) = method.view(batch.take(torch.arange(1, 9)), rng(3))
    z, error = method._read(crop, rng(4))
    assert torch.equal(z, method.encoder.per_step(crop.x)[:, crop.span])
    rest, hidden = without_segments(crop.x, rng(4), segments=3, share=0.05)
    h = method.encoder.per_step(rest)[:, crop.span]
    wrong = (method.values(h) - hidden[:, crop.span])[~hidden[:, crop.span].isnan()]
    assert error.item() == pytest.approx(wrong.square().mean().item(), rel=1e-4)


def test_an_encoder_without_steps_is_refused(strokes, made):
    with pytest.raises(TypeError, match=r"timesurl needs an encoder with one vector per step .*Fcn has none"):
        made("timesurl", strokes, encoder={"name": "fcn"})


def test_it_learns(strokes, made, descend):
    _, batch = strokes
    method = made("timesurl", strokes, encoder=SMALL)
    losses = descend(method, batch.take(torch.arange(16)), 60, lr=5e-3)
    assert sum(losses[-15:]) < 0.8 * sum(losses[:15])
