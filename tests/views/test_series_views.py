"""Views of series: what each changes, what it leaves alone, and that a gap or a ragged end never becomes a number."""

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from diptych.batch import Batch
from diptych.catalog import components
from diptych.components import component
from diptych.views._series import smooth, window

OWN_GAPS = {
    "time_mask",
    "window_slice",
    "augmentation_bank",
    "nested_crops",
    "overlapping_crops",
    "history",
}  # may hide values
VIEWS = {
    name: view
    for name, view in components("views").items()
    if view.attributes["modalities"] == ("series",) and view.attributes["returns"] == "two"
}
STEPS = 40
OFF = {
    "augmentation_bank": {"jitter": 0.0, "scale": 0.0, "segments": 1, "gap": 0.0},
    "frequency_mask": {"rate": 0.0},
    "history": {"cutout": 0.0, "crop": 0.0, "bias": 0.0, "dropout": 0.0},
    "jitter": {"sigma": 0.0},
    "jitter_scale": {"jitter": 0.0, "scale": 0.0},
    "magnitude_warp": {"sigma": 0.0},
    "order_mixup": {"least_amplitude": 1.0, "least_phase": 1.0},
    "permutation": {"segments": 1},
    "scaling": {"sigma": 0.0},
    "slowed": {"share": 1.0},
    "time_mask": {"rate": 0.0},
    "time_warp": {"sigma": 0.0},
    "weak_strong": {"mean": 1.0, "scale": 0.0, "segments": 1, "jitter": 0.0},
    "window_slice": {"min_share": 1.0},
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def batch_of(x):
    rows = torch.arange(len(x))
    return Batch(x, rows, rows)


def drawn(name, x, seed=0, **settings):
    """The first and the second view of series [n, T, C]."""
    found = component("views", name)({"shape": list(x.shape[1:]), "n_train": len(x)}, **settings)
    return [view.x for view in found(batch_of(x), seeded(seed))]


def waves(n=64, channels=3):
    """Sines of different periods; every third series ends early, one begins late, one is empty, and some have a gap."""
    t = torch.arange(STEPS)[:, None] + 10.0 * torch.arange(channels)  # [T, C]
    x = torch.stack([torch.sin(t / (1.5 + i / 9)) + 2 for i in range(n)])
    x[::3, 30:], x[1, :5], x[2] = torch.nan, torch.nan, torch.nan
    x[4::5, 12:15, 0] = torch.nan
    return x


@pytest.fixture(params=sorted(VIEWS))
def name(request):
    return request.param


def test_every_view_has_a_setting_that_turns_it_off(name):
    if name == "nested_crops":
        pytest.skip("a crop of the whole series begins with its first value")
    x = waves()
    for view in drawn(name, x, **OFF[name]):
        torch.testing.assert_close(view, x, rtol=1e-4, atol=1e-4, equal_nan=True)


def test_two_draws_per_series_and_the_batch_is_left_alone(name):
    x = torch.sin(torch.arange(64.0) / 3)[None, :, None].repeat(50, 1, 2) + torch.arange(50)[:, None, None] % 2
    before = x.clone()
    first, second = (view.nan_to_num(-9) for view in drawn(name, x))
    assert torch.equal(x, before)
    assert first.shape != second.shape or not torch.equal(first, second)
    assert len(second[::2].flatten(1).unique(dim=0)) > 3  # of 25 equal series
    again = drawn(name, x)
    assert torch.equal(again[0].nan_to_num(-9), first)
    assert torch.equal(again[1].nan_to_num(-9), second)


def test_no_value_appears_outside_of_a_ragged_series(name):
    x = waves()
    x[5, 20:, 0] = torch.nan  # a channel ends, the others go on
    for seed in range(10):
        for view in drawn(name, x, seed):
            if name == "nested_crops":
                continue  # moves what it cuts to the front; see below
            assert view[::3, 30:].isnan().all()
            assert view[1, :5].isnan().all()
            assert view[2].isnan().all()
            if name not in ("permutation", "weak_strong", "augmentation_bank"):
                assert view[5, 39, 0].isnan()


def test_gaps_neither_spread_nor_close(name):
    """Of a series with a fifth of its values missing about a fifth is missing afterwards."""
    x = torch.sin(torch.arange(200.0) / 9)[None, :, None].repeat(40, 1, 2)
    x[torch.rand(x.shape, generator=seeded(1)) < 0.2] = torch.nan
    expected = {"order_mixup": (0.2, 0.37)}.get(name, (0.17, 0.23))
    for view in drawn(name, x):
        if name not in OWN_GAPS:
            assert expected[0] - 1e-6 <= view.isnan().float().mean() <= expected[1]
        assert view[~view.isnan()].isfinite().all()


def test_wrong_settings_are_refused():
    for name, settings, message in (
        ("jitter", {"sigma": -1.0}, r"view\.sigma must be at least 0"),
        ("permutation", {"segments": 0}, r"view\.segments must be at least 1"),
        ("time_mask", {"rate": 1.5}, r"view\.rate must lie between 0 and 1"),
        ("frequency_mask", {"rate": -0.5}, r"view\.rate must lie between 0 and 1"),
        ("nested_crops", {"min_length": 0}, r"view\.min_length must be at least 1"),
    ):
        with pytest.raises(ValueError, match=message):
            drawn(name, waves(), **settings)


# --- each by itself


def test_noise_and_factors_have_their_deviations():
    x = torch.ones(3000, 20, 2)
    noisy, scaled = drawn("jitter", x, sigma=0.3)[1], drawn("scaling", x, sigma=0.2)[0]
    assert (noisy - 1).std().item() == pytest.approx(0.3, rel=0.02)
    assert torch.equal(scaled[:, :1].expand_as(scaled), scaled)  # constant over time
    assert scaled[:, 0].std().item() == pytest.approx(0.2, rel=0.05)
    assert scaled[:, 0].mean().item() == pytest.approx(1.0, abs=0.02)
    assert torch.corrcoef(scaled[:, 0].T)[0, 1].abs() < 0.1  # each channel its own


def test_permutation_moves_whole_pieces_of_all_channels_alike():
    x = torch.arange(STEPS, dtype=torch.float32)[None, :, None].repeat(2000, 1, 3) + 1000 * torch.arange(3)
    x[::2, 30:] = torch.nan
    first, _ = drawn("permutation", x, segments=5)
    assert torch.equal(first[..., 0].nan_to_num(-9), (first[..., 2] - 2000).nan_to_num(-9))
    for rows, length in ((slice(0, None, 2), 30), (slice(1, None, 2), STEPS)):
        order = first[rows, :length, 0]
        assert torch.equal(order.sort(1).values, torch.arange(float(length)).expand_as(order))  # every step once
        jumps = (order.diff(dim=1) != 1).sum(1)  # pieces that lie as before have none between them
        assert jumps.max() == 4
        assert 0.2 <= (jumps == 0).float().mean() <= 0.45  # k = 1 in a fifth, and pieces in their order by chance
    short = torch.arange(2.0)[None, :, None].repeat(50, 1, 1)
    assert drawn("permutation", short, segments=8)[0].sum(1).eq(1).all()  # more pieces than steps


def test_warped_time_is_monotone_and_keeps_both_ends():
    x = torch.arange(STEPS, dtype=torch.float32)[None, :, None].repeat(500, 1, 1)
    x[::2, 30:] = torch.nan
    for sigma in (0.2, 3.0):  # the second would turn back without its least speed
        path = drawn("time_warp", x, sigma=sigma)[0][..., 0]
        whole, ragged = path[1::2], path[::2, :30]
        assert (whole.diff(dim=1) > 0).all()
        assert (ragged.diff(dim=1) > 0).all()
        assert torch.allclose(whole[:, [0, -1]], torch.tensor([0.0, 39.0]), atol=1e-3)
        assert torch.allclose(ragged[:, [0, -1]], torch.tensor([0.0, 29.0]), atol=1e-3)
        assert (whole - torch.arange(40.0)).abs().max() > 1


def test_curves_are_natural_cubic_splines_through_their_knots():
    knots = torch.randn(3, 6, 2, generator=seeded(), dtype=torch.float64)
    at = torch.linspace(0, 1, 101, dtype=torch.float64).expand(3, -1)
    expected = CubicSpline(np.linspace(0, 1, 6), knots.numpy(), axis=1, bc_type="natural")(at[0].numpy())
    np.testing.assert_allclose(smooth(knots, at).numpy(), expected, rtol=1e-9, atol=1e-9)


def test_magnitude_warp_is_smooth_and_per_channel():
    factor = drawn("magnitude_warp", torch.ones(1000, STEPS, 2), sigma=0.2)[0]
    assert factor.diff(dim=1).abs().max() < 0.25
    assert factor[:, 0].std().item() == pytest.approx(0.2, rel=0.1)
    assert torch.corrcoef(factor[:, 17].T)[0, 1].abs() < 0.1


def test_a_window_of_a_ramp_has_its_share_as_slope():
    x = torch.arange(STEPS, dtype=torch.float32)[None, :, None].repeat(500, 1, 1)
    x[::2, 30:] = torch.nan
    found = drawn("window_slice", x, min_share=0.5)[0][..., 0]
    slope = found[:, 1] - found[:, 0]  # [n]
    assert slope.min() > 0.49
    assert slope.max() < 1.01
    assert slope.mean().item() == pytest.approx(0.75, abs=0.03)
    assert torch.allclose(found[:, :30].diff(dim=1), slope[:, None], atol=1e-3)
    assert found[::2, :30].max() < 29.01
    in_place = drawn("window_slice", x, min_share=0.5, resize=False)[0]
    kept = ~in_place.isnan()
    assert torch.equal(in_place[kept], x[kept])
    assert (kept.sum(1)[::2] / 30).min() > 0.45
    slowed = drawn("slowed", x)
    assert torch.equal(slowed[0].nan_to_num(-9), x.nan_to_num(-9))
    assert torch.allclose(slowed[1][:, :30, 0].diff(dim=1), torch.tensor(2 / 3), atol=1e-3)


def test_a_window_over_a_gap_reads_what_is_nearest():
    x = torch.arange(9.0)[None, :, None].clone()
    x[0, 4] = torch.nan
    found = window(x, torch.tensor([0.5]), seeded(2))
    assert found.isnan().sum() in (1, 2, 3)
    assert (found[~found.isnan()] == 0).sum() <= 1  # the gap did not become 0


@pytest.mark.parametrize(("settings", "share"), [({"rate": 0.3}, 0.3), ({"kind": "spans", "spans": 1}, 0.1)])
def test_masks_hide_their_share_of_steps_in_all_channels(settings, share):
    x = torch.ones(2000, 100, 3)
    gone = drawn("time_mask", x, **settings)[0].isnan()
    assert torch.equal(gone.any(2), gone.all(2))
    assert gone.float().mean().item() == pytest.approx(share, abs=0.02)
    if "kind" in settings:
        starts = gone[:, 0, 0].int() + (gone[..., 0].int().diff(dim=1) > 0).sum(1)
        assert (starts == 1).all()  # one span each


def test_frequency_mask_removes_whole_frequencies_and_stays_real():
    x = torch.randn(500, 64, 2, generator=seeded())
    found = drawn("frequency_mask", x, rate=0.25)[0]
    before, after = torch.fft.rfft(x, dim=1), torch.fft.rfft(found, dim=1)
    gone = after.abs() < 1e-4
    assert torch.equal(gone[..., 0], gone[..., 1])  # the same in all channels
    assert gone.float().mean().item() == pytest.approx(0.25, abs=0.02)
    torch.testing.assert_close(after[~gone], before[~gone], rtol=1e-3, atol=1e-3)
    assert (found < 0).any()


def test_the_weak_view_scales_and_the_strong_one_permutes():
    x = torch.sin(torch.arange(64.0) / 5)[None, :, None].repeat(400, 1, 2)
    weak, strong = drawn("weak_strong", x, jitter=0.0)
    ratio = weak[:, 1:] / x[:, 1:]
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-3, atol=1e-3)
    assert ratio[:, 0].mean().item() == pytest.approx(2.0, abs=0.15)
    assert torch.equal(strong.sort(1).values, x.sort(1).values)
    assert (strong != x).any(1).all(1).float().mean().item() == pytest.approx(0.785, abs=0.05)  # 1 − Σ 1/k! / 8


def test_the_bank_changes_each_series_in_one_way():
    x = torch.sin(torch.arange(64.0) / 5)[None, :, None].repeat(4000, 1, 1) + 2
    found = drawn("augmentation_bank", x, scale=0.3, jitter=0.3)[0]
    ratio = (found / x)[..., 0]
    gap = found.isnan().any(1)[:, 0]
    scaled = ~gap & ((ratio - ratio[:, :1]).abs().amax(1) < 1e-4) & ((ratio[:, 0] - 1).abs() > 1e-6)
    moved = ~gap & (found.sort(1).values == x.sort(1).values).all(1)[:, 0]
    for share in (gap, scaled, moved, ~(gap | scaled | moved)):
        assert share.float().mean().item() == pytest.approx(0.25, abs=0.03)


def test_crops_are_nested_and_have_the_papers_lengths():
    x = (torch.arange(STEPS) + 1000.0 * torch.arange(6)[:, None])[..., None].clone()
    x[::2, 20:] = torch.nan
    sizes = []
    for seed in range(250):
        outer, inner = drawn("nested_crops", x, seed)
        for row in range(6):
            a, b = (crop[row, :, 0] for crop in (outer, inner))
            a, b = a[~a.isnan()], b[~b.isnan()]
            assert (a.diff() == 1).all()
            assert set(b.tolist()) <= set(a.tolist())
            assert (a // 1000 == row).all()
        sizes.append((inner.shape[1], outer.shape[1]))
    inner, outer = np.array(sizes).T
    assert (inner.min(), inner.max(), outer.max()) == (1, STEPS, STEPS)
    assert inner.mean() == pytest.approx((STEPS + 1) / 2, abs=2.2)
    assert (outer - inner).mean() == pytest.approx((STEPS - 1) / 4, abs=1.8)  # U{inner … T}


def hidden(x, seed=0, **settings):
    """Values that one part of `history` hides of series [n, T, C]."""
    off = {"cutout": 0.0, "crop": 0.0, "bias": 0.0, "dropout": 0.0}
    return drawn("history", x, seed, **off | settings)[0].isnan() & ~x.isnan()


def test_history_cuts_out_a_stretch_before_the_last_step():
    x = torch.ones(4000, 30, 2)
    x[::2, 20:] = torch.nan
    gone = hidden(x, cutout=0.8, steps=8)
    assert torch.equal(gone[..., 0], gone[..., 1])
    length = gone[..., 0].sum(1)
    assert set(length.tolist()) == {0, 8}
    assert (length > 0).float().mean().item() == pytest.approx(0.8, abs=0.03)
    edges = gone[..., 0].int().diff(dim=1).abs().sum(1) + gone[:, 0, 0] + gone[:, -1, 0]
    assert set(edges[length > 0].tolist()) == {2}  # in one piece
    assert not gone[::2, 19].any()
    assert not gone[1::2, 29].any()
    assert gone[::2, 18].any()
    assert gone[1::2, 28].any()


def test_history_crops_its_oldest_part_only():
    x = torch.ones(4000, 41, 1)
    gone = hidden(x, crop=0.5, min_share=0.5)[..., 0]
    assert (gone.int().diff(dim=1) <= 0).all()
    assert not gone[:, 20:].any()
    assert gone[:, 0].float().mean().item() == pytest.approx(0.5, abs=0.04)
    assert gone[:, 10].float().mean().item() == pytest.approx(0.25, abs=0.04)


def test_history_shifts_and_silences_channels_as_a_whole():
    x = torch.zeros(4000, 12, 3)
    x[0, 6:] = torch.nan
    shifted = drawn("history", x, cutout=0.0, crop=0.0, dropout=0.0, bias=0.1)[0]
    assert torch.equal(shifted[1:, :1].expand(-1, 12, -1), shifted[1:])
    assert shifted[0, 6:].isnan().all()
    assert 0.19 < shifted[1:].abs().max() <= 0.2
    silent = hidden(x, dropout=0.2)[1:]
    assert torch.equal(silent[:, :1].expand(-1, 12, -1), silent)
    assert silent[:, 0].float().mean().item() == pytest.approx(0.2, abs=0.02)
    assert not hidden(x, dropout=1.0).all(2).any()  # one channel stays
    assert not hidden(x[..., :1], dropout=1.0).any()


def test_history_leaves_series_of_one_step():
    x = torch.tensor([1.0, torch.nan, torch.nan])[None, :, None].repeat(50, 1, 1)
    assert not hidden(x, cutout=1.0, crop=1.0, min_share=0.0).any()
