"""Every view: one seed one batch, rows kept, per-sample draws; then what each paper says its view does."""

import math
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from diptych.batch import Batch, Graphs
from diptych.build import build
from diptych.catalog import components
from diptych.views._colours import jitter
from diptych.views._images import crop
from diptych.views.crop_jitter import CropJitter
from diptych.views.field_corruption import FieldCorruption
from diptych.views.jitter_scale import JitterScale
from diptych.views.light_crop import LightCrop
from diptych.views.overlapping_crops import OverlappingCrops
from diptych.views.token_dropout import TokenDropout
from diptych.views.two_field_corruptions import TwoFieldCorruptions

VIEWS = components("views")
USED = {(v, m) for method in components("methods").values() for m, v in method.attributes["modalities"].items()}
FIXED = ("identity", "twice", "four_rotations", "halves")  # nothing is drawn
RANDOM = sorted((view, modality) for view, modality in USED if view not in FIXED)
OFF = MappingProxyType(  # settings under which a view changes nothing
    {
        "crop_jitter": {"min_area": 1.0, "strength": 0.0, "grey": 0.0, "flip": 0.0},
        "crop_flip": {"min_area": 1.0, "flip": 0.0},
        "one_crop": {"min_area": 1.0, "flip": 0.0},
        "one_crop_jitter": {"min_area": 1.0, "strength": 0.0, "grey": 0.0, "flip": 0.0},
        "crop_jitter_asymmetric": {"min_area": 1.0, "strength": 0.0, "grey": 0.0, "flip": 0.0, "solarise": 0.0},
        "multi_crop": {"min_area": 1.0, "strength": 0.0, "grey": 0.0, "flip": 0.0, "small": 0},
        "noisy": {"sigma": 0.0},
        "light_crop": {"min_area": 1.0},
        "jitter_scale": {"jitter": 0.0, "scale": 0.0},
        "field_corruption": {"rate": 0.0},
        "two_field_corruptions": {"rate": 0.0},
        "swap_noise": {"rate": 0.0},
        "cut_mix_fields": {"rate": 0.0},
        "token_dropout": {"rate": 0.0},
        "graph_augmentations": {"rate": 0.0, "kinds": ["drop_nodes", "perturb_edges", "mask_attributes"]},
    }
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def made(name, modality, small, /, **settings):
    """A calibrated view, built as the plan builds it, and its batch."""
    facts, batch = small(modality)
    encoders = {"name": "mlp"}  # untrained beside the view: only `identity` methods take any encoder
    view = build("random", {"method": {}, "view": {"name": name} | settings, "encoder": encoders}, _flat(facts)).view
    view.calibrate(batch, seeded())
    return view, batch


def _flat(facts):
    return facts | {"shape": facts["shape"] if isinstance(facts["shape"], list) else [1]}


def parts(x):
    """Every tensor of a batch's content."""
    if isinstance(x, Graphs):
        return [x.x, x.edges, x.graph]
    return list(x.values()) if isinstance(x, dict) else [x]


def equal(a, b):
    both = list(zip(parts(a), parts(b), strict=True))
    return all(p.shape == q.shape and torch.equal(p.nan_to_num(-9), q.nan_to_num(-9)) for p, q in both)


def test_every_view_is_used_by_a_method_or_can_take_the_place_of_one_that_is():
    used = {(modality, VIEWS[view].attributes["returns"]) for view, modality in USED}
    for view in VIEWS.values():
        assert {(modality, view.attributes["returns"]) for modality in view.attributes["modalities"]} & used, view.name


@pytest.mark.parametrize(("name", "modality"), sorted(USED))
def test_same_seed_same_views_and_the_batch_is_left_alone(name, modality, small):
    view, batch = made(name, modality, small)
    before = [p.clone() for p in parts(batch.x)]
    first, again = view(batch, seeded(3)), view(batch, seeded(3))
    assert all(equal(a.x, b.x) and a.span == b.span for a, b in zip(first, again, strict=True))
    assert all(torch.equal(p.nan_to_num(-9), q.nan_to_num(-9)) for p, q in zip(before, parts(batch.x), strict=True))
    for one in first:
        times = len(one) // len(batch)  # all rows in their order, perhaps several times
        assert torch.equal(one.index, batch.index.repeat(times))
        assert torch.equal(one.key, batch.key.repeat(times))


@pytest.mark.parametrize(("name", "modality"), RANDOM)
def test_other_seed_other_views(name, modality, small):
    view, batch = made(name, modality, small)
    pairs = zip(view(batch, seeded(3)), view(batch, seeded(4)), strict=True)
    assert not all(equal(a.x, b.x) for a, b in pairs)


@pytest.mark.parametrize(("name", "modality"), [case for case in RANDOM if case[0] in OFF])
def test_strength_zero_changes_nothing(name, modality, small):
    view, batch = made(name, modality, small, **OFF[name])
    for one in view(batch, seeded()):
        if isinstance(one.x, Graphs):
            assert torch.equal(one.x.x, batch.x.x)
            assert torch.equal(one.x.edges.unique(dim=1), batch.x.edges.unique(dim=1))
            continue
        for found, original in zip(parts(one.x), parts(batch.x), strict=True):
            torch.testing.assert_close(found, original, rtol=0, atol=2e-6, equal_nan=True)


@pytest.mark.parametrize(("name", "modality"), [case for case in RANDOM if case[0] != "column_partitions"])
def test_draws_are_per_sample(name, modality, small):
    """64 copies of one sample must not all get the same change."""
    view, batch = made(name, modality, small)
    copies = batch.take(torch.full((64,), 7))
    different = [_distinct(one.x) for seed in range(10) for one in view(copies, seeded(seed))]
    assert max(different) > 8


def _distinct(x):
    """How many different samples there are."""
    if isinstance(x, Graphs):
        sizes = (torch.bincount(owner, minlength=64) for owner in (x.graph, x.graph[x.edges[0]]))
        return len(torch.stack([*sizes], 1).unique(dim=0))
    x = x["image"] if isinstance(x, dict) else x
    return len(x.nan_to_num(-9).flatten(1).unique(dim=0))


# --- images


def test_image_views_stay_in_range_and_keep_missing_pixels(photos):
    x = photos.clone()
    x[:, :, 4:9, 4:9] = torch.nan
    facts = {"mirrored": True, "shape": [3, 32, 32]}
    rows = torch.arange(len(x))
    for view in CropJitter(facts)(Batch(x, rows, rows), seeded()):
        assert view.x.shape == x.shape
        assert 0 < view.x.isnan().float().mean() < 0.3
        assert view.x[~view.x.isnan()].min() >= 0
        assert view.x[~view.x.isnan()].max() <= 1
    everything = CropJitter(facts)(Batch(torch.full_like(x, torch.nan), rows, rows), seeded())
    assert all(view.x.isnan().all() for view in everything)


def test_jitter_leaves_a_fifth_alone_and_grey_stays_grey(photos):
    x = photos.repeat(20, 1, 1, 1)
    changed = (jitter(x, seeded(), strength=0.5, grey=0.0) - x).abs().amax((1, 2, 3)) > 1e-5
    assert changed.float().mean().item() == pytest.approx(0.8, abs=0.05)
    grey = jitter(photos, seeded(), strength=0.0, grey=1.0)
    torch.testing.assert_close(grey, grey[:, :1].expand_as(grey), atol=3e-3, rtol=0)
    torch.testing.assert_close(jitter(grey, seeded(), strength=0.0, grey=1.0), grey, atol=3e-3, rtol=0)
    luma = torch.einsum("c,nchw->nhw", torch.tensor([0.299, 0.587, 0.114]), photos)
    torch.testing.assert_close(grey[:, 0], luma, atol=3e-3, rtol=0)


def test_mirroring_happens_half_the_time_and_never_where_it_changes_meaning():
    ramp = torch.linspace(0, 1, 16).expand(400, 1, 16, 16)
    rows = torch.arange(400)
    settings = {"min_area": 1.0, "strength": 0.0, "grey": 0.0}
    shares = []
    for mirrored in (True, False):
        view = CropJitter({"mirrored": mirrored, "shape": [1, 16, 16]}, **settings)
        x = view(Batch(ramp, rows, rows), seeded())[0].x
        shares.append((x[:, 0, 0, 0] > 0.5).float().mean().item())
    assert shares[0] == pytest.approx(0.5, abs=0.08)
    assert shares[1] == 0.0


def test_crop_shows_a_window_of_the_promised_size():
    """A ramp's slope after the crop is the window's share of the width; a square crop has equal shares both ways."""
    axis = (torch.arange(64) + 0.5) / 64
    ramps = torch.stack([axis.expand(64, 64), axis[:, None].expand(64, 64)]).expand(500, 2, 64, 64)
    for lowest, aspect in ((0.2, 4 / 3), (0.9, 1.0)):
        x = crop(ramps, seeded(), min_area=lowest, max_aspect=aspect)
        w = (x[:, 0, 32, 40] - x[:, 0, 32, 24]) / (axis[40] - axis[24])  # [n]
        h = (x[:, 1, 40, 32] - x[:, 1, 24, 32]) / (axis[40] - axis[24])
        assert (w * h).min() > lowest - 1e-3
        assert (w * h).max() < 1 + 1e-3
        assert (w / h).log().abs().max() < math.log(aspect) + 1e-3
        assert (w * h).mean().item() == pytest.approx((1 + lowest) / 2, abs=0.05)
        centre = (x[:, 0, 31:33, 32].mean(1), x[:, 1, 32, 31:33].mean(1))  # [n], shares of the image's sides
        for c, side in zip(centre, (w, h), strict=True):
            place = (2 * c - 1) / (1 - side).clamp_min(1e-3)  # −1 … 1 between the two borders
            assert place[side < 0.97].std().item() == pytest.approx(3**-0.5, abs=0.05)  # uniform
        assert x.min() >= 0
        assert x.max() <= 1


def test_pairs_keep_their_text(small):
    facts, batch = small("image_text")
    (view,) = LightCrop(facts)(batch, seeded())
    assert [*view.x] == ["image", "text"]
    assert torch.equal(view.x["text"], batch.x["text"])
    assert not torch.equal(view.x["image"], batch.x["image"])


# --- series


def test_jitter_and_scale_have_their_deviations_and_leave_gaps():
    x = torch.ones(2000, 20, 2)
    x[:, 3] = torch.nan
    rows = torch.arange(2000)
    noisy = JitterScale({}, jitter=0.3, scale=0.0)(Batch(x, rows, rows), seeded())[0].x
    scaled = JitterScale({}, jitter=0.0, scale=0.1)(Batch(x, rows, rows), seeded())[1].x
    assert torch.equal(noisy.isnan(), x.isnan())
    assert (noisy - 1)[~x.isnan()].std().item() == pytest.approx(0.3, rel=0.02)
    assert torch.equal(scaled[:, 0], scaled[:, 19])  # constant over time
    assert not torch.equal(scaled[..., 0], scaled[..., 1])  # one per channel
    assert scaled[:, 0].std().item() == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("length", [2, 3, 17, 96])
def test_crops_of_a_ramp_agree_on_the_steps_they_share(length):
    x = (torch.arange(length) + 1000.0 * torch.arange(5)[:, None])[..., None]  # [5, T, 1], steps are told apart
    batch = Batch(x, torch.arange(5), torch.arange(5))
    view, shared, contexts = OverlappingCrops({}), set(), set()
    for seed in range(300):
        first, second = view(batch, seeded(seed))
        a, b = first.x[:, first.span], second.x[:, second.span]
        assert torch.equal(a, b)
        assert torch.equal(first.x.diff(dim=1), torch.ones_like(first.x[:, 1:]))  # contiguous, of one series
        assert torch.equal(first.x // 1000, x[:, :1].expand_as(first.x) // 1000)
        assert first.span.stop == first.x.shape[1]  # the last steps of the left crop, the first of the right one
        assert second.span.start == 0
        assert first.x.shape[1] <= length
        shared.add(a.shape[1])
        contexts.add((first.x.shape[1] - a.shape[1] > 0, second.x.shape[1] - a.shape[1] > 0))
    assert min(shared) == 2
    assert max(shared) == length
    assert length < 4 or len(contexts) == 4  # context to the left, right, both and none


def test_crop_geometry_has_the_distribution_of_the_authors_code():
    """l ~ U{2 … T}, left ~ U{0 … T − l}, outer left ~ U{0 … left}, outer right ~ U{right … T}: mean lengths."""
    length, draws = 40, 3000
    rng = np.random.default_rng(0)
    expected = []
    for _ in range(draws):
        crop_l = rng.integers(2, length + 1)
        left = rng.integers(0, length - crop_l + 1)
        outer_left, outer_right = rng.integers(0, left + 1), rng.integers(left + crop_l, length + 1)
        expected.append((crop_l, left + crop_l - outer_left, outer_right - left))
    batch, view, generator = (
        Batch(torch.zeros(2, length, 1), torch.arange(2), torch.arange(2)),
        OverlappingCrops({}),
        seeded(),
    )
    found = []
    for _ in range(draws):
        first, second = view(batch, generator)
        found.append((second.span.stop, first.x.shape[1], second.x.shape[1]))
    for a, b in zip(np.array(expected).T, np.array(found).T, strict=True):
        assert ks_2samp(a, b).pvalue > 1e-3


def test_ragged_series_are_centred_and_empty_ones_left_out():
    x = torch.full((3, 8, 1), torch.nan)
    x[0, :4, 0] = torch.arange(1.0, 5.0)  # ends early
    x[1, :, 0] = torch.arange(11.0, 19.0)  # complete
    batch = Batch(x, torch.arange(3), torch.arange(3))
    view = OverlappingCrops({})
    whole = [views[0] for seed in range(400) if (views := view(batch, seeded(seed)))[0].x.shape[1] == 8]
    assert whole
    for one in whole:
        assert one.index.tolist() == [0, 1]  # row 2 has no value
        assert one.x[0, :, 0].nan_to_num(0).tolist() == [0, 0, 1, 2, 3, 4, 0, 0]
        assert torch.equal(one.x[1], x[1])


def test_long_series_are_windowed():
    batch = Batch(torch.arange(50.0)[None, :, None].repeat(2, 1, 1), torch.arange(2), torch.arange(2))
    views = [OverlappingCrops({}, max_length=10)(batch, seeded(seed))[0].x for seed in range(60)]
    assert max(x.shape[1] for x in views) <= 10
    assert max(x.max() for x in views) > 40
    with pytest.raises(ValueError, match="at least 2 steps"):
        OverlappingCrops({})(replace(batch, x=batch.x[:, :1]), seeded())


# --- tables


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.6, 1.0])
def test_exactly_the_share_of_fields_changes(rate):
    fields = [4, 4, 4, 7, 9, 9, 12, 13, 14, 15, 16, 17, 20]  # ten fields, two of them one-hot
    train = torch.arange(500.0)[:, None] * torch.ones(13) + 1000 * torch.arange(13)  # every cell is unique
    rows = torch.arange(64)
    view = FieldCorruption({"fields": fields}, rate=rate)
    view.calibrate(Batch(train, torch.arange(500), torch.arange(500)), seeded())
    clean, corrupted = view(Batch(-1 - train[:64], rows, rows), seeded())
    assert torch.equal(clean.x, -1 - train[:64])
    changed = corrupted.x >= 0  # [64, 13]: every draw is a training value, no input is
    of_field = torch.stack(
        [changed[:, [i for i, f in enumerate(fields) if f == field]].all(1) for field in dict.fromkeys(fields)], 1
    )
    assert torch.equal(of_field.sum(1), torch.full((64,), int(rate * 10)))
    donors = corrupted.x % 1000  # the donor row of each changed cell
    for columns in ([0, 1, 2], [4, 5]):  # a one-hot field comes whole, from one donor
        assert torch.equal(changed[:, columns].any(1), changed[:, columns].all(1))
        whole = donors[changed[:, columns[0]]][:, columns]
        assert torch.equal(whole, whole[:, :1].expand_as(whole))
    if rate == 1.0:  # marginal, not joint: fields of a row have different donors
        assert (donors[:, [0, 3, 4, 6]].diff(dim=1) != 0).any(1).all()
        assert torch.equal(corrupted.x // 1000, torch.arange(13.0).expand(64, 13))  # values stay in their column


def test_marginals_are_kept_and_correlations_broken(small):
    facts, batch = small("tabular")
    view = FieldCorruption(facts, rate=1.0)
    view.calibrate(batch, seeded())
    rows = torch.arange(4000) % len(batch)
    drawn = view(batch.take(rows), seeded())[1].x
    assert min(ks_2samp(a, b).pvalue for a, b in zip(drawn.T, batch.x.T, strict=True)) > 1e-3
    off = ~torch.eye(13, dtype=torch.bool)
    assert torch.corrcoef(batch.x.T)[off].abs().max() > 0.7
    assert torch.corrcoef(drawn.T)[off].abs().max() < 0.08


def test_two_sided_corruption_changes_both_sides_apart(small):
    facts, batch = small("tabular")
    view = TwoFieldCorruptions(facts)
    view.calibrate(batch, seeded())
    changed = [one.x != batch.x for one in view(batch, seeded())]
    assert all(0 < c.float().mean() <= 3 / 13 for c in changed)
    assert not torch.equal(*changed)


def test_corruption_needs_its_marginals_and_a_share(small):
    facts, batch = small("tabular")
    with pytest.raises(RuntimeError, match="calibrate it before the first step"):
        FieldCorruption(facts)(batch, seeded())
    with pytest.raises(ValueError, match=r"view\.rate is a share of the fields"):
        FieldCorruption(facts, rate=1.5)


# --- texts


def test_dropped_words_leave_order_start_and_one_word():
    x = torch.zeros(3000, 13, dtype=torch.int64)
    x[:, 0] = 2  # the start
    x[:, 1:11] = torch.arange(3, 13)
    x[0, 2:] = 0  # one word
    x[1, 1:] = 0  # none
    rows = torch.arange(3000)
    found = TokenDropout({}, rate=0.3)(Batch(x, rows, rows), seeded())[0].x
    kept = (found != 0).sum(1) - 1
    assert found[:2].tolist() == x[:2].tolist()
    assert kept[2:].float().mean().item() == pytest.approx(7, abs=0.1)
    inside = torch.arange(13) <= kept[:, None]
    assert torch.equal(inside, found != 0)  # padding stays behind the words
    assert (found.diff(dim=1)[inside[:, 1:]] > 0).all()  # in their order, the start before them
    scarce = TokenDropout({}, rate=0.99)(Batch(x, rows, rows), seeded())[0].x
    assert (scarce[2:] != 0).sum(1).min() == 2
    assert len(scarce[2:, 1].unique()) == 10  # any word may be the last one
    with pytest.raises(ValueError, match="0 ≤ rate < 1"):
        TokenDropout({}, rate=1.0)
