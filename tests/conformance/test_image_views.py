"""Every view of images, found in the catalogue: range, gaps, draws; then what each promises by itself."""

import math

import pytest
import torch
from torch.nn import functional as F

from diptych.batch import Batch
from diptych.catalog import components
from diptych.components import component
from diptych.views._colours import LUMA, blur_, cutout, jitter, solarise
from diptych.views.channel_split import ChannelSplit
from diptych.views.crop_distance import CropDistance
from diptych.views.crop_jitter import CropJitter
from diptych.views.crop_jitter_asymmetric import CropJitterAsymmetric
from diptych.views.four_rotations import FourRotations
from diptych.views.multi_crop import MultiCrop
from diptych.views.noisy import Noisy

NATURAL = {"other_drawing"}  # shows other rows of an object instead of changing pixels: see tests/views
VIEWS = {n: v for n, v in components("views").items() if "image" in v.attributes["modalities"] and n not in NATURAL}
RANDOM = sorted(set(VIEWS) - {"identity", "four_rotations"})
COLOUR = {"channel_split"}  # views that make no sense of one channel
COUNTS = {"one": 1, "two": 2, "damaged": 2, "rotations": 1}
OFF = {"min_area": 1.0, "strength": 0.0, "grey": 0.0, "flip": 0.0, "solarise": 0.0, "small": 0, "sigma": 0.0}
OFF |= {"distance": 0.0, "side": 1.0}  # each setting's value at which it does nothing, where there is one


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def batch_of(x):
    rows = torch.arange(len(x))
    return Batch(x, rows, rows + 100)


def made(name, x, **settings):
    return component("views", name)({"mirrored": True, "shape": list(x.shape[1:])}, **settings)


def seen(name, x, seed=0, **settings):
    """The content of each view of images x."""
    return [one.x for one in made(name, x, **settings)(batch_of(x), seeded(seed))]


def at(photos, side):
    return F.interpolate(photos, (side, side), mode="bilinear", align_corners=False)


def same(a, b):
    return all(torch.equal(p.nan_to_num(-9), q.nan_to_num(-9)) for p, q in zip(a, b, strict=True))


@pytest.mark.parametrize("side", [8, 32, 48])
@pytest.mark.parametrize("name", VIEWS)
def test_seed_range_rows_and_number(name, side, photos):
    x = at(photos, side)
    views = made(name, x)(batch_of(x), seeded(1))
    assert len(views) == COUNTS.get(VIEWS[name].attributes["returns"], 8)
    for one in views:
        assert one.x.shape[:2] == (len(one), 3)
        assert one.x.dtype == torch.float32
        assert one.x.min() >= 0
        assert one.x.max() <= 1
    assert same([one.x for one in views], seen(name, x, 1))


@pytest.mark.parametrize("name", RANDOM)
def test_other_seed_and_other_sample_other_view(name, photos):
    assert not same(seen(name, photos, 1), seen(name, photos, 2))
    copies = torch.rand(3, 32, 32, generator=seeded()).expand(64, -1, -1, -1)
    different = [len(view.flatten(1).unique(dim=0)) for view in seen(name, copies)]
    assert max(different) == 64, "parameters are drawn for each sample"
    assert min(different) in (1, 64), "an untouched view or one that is drawn"


@pytest.mark.parametrize("name", [name for name in RANDOM if VIEWS[name].attributes["returns"] != "one"])
def test_two_views_differ(name, photos):
    first, second = seen(name, photos)[:2]
    assert not torch.equal(first, second)


@pytest.mark.parametrize("name", VIEWS)
def test_a_batch_of_one(name, photos):
    for view in seen(name, photos[:1]):
        assert view.isfinite().all()


@pytest.mark.parametrize("name", VIEWS)
def test_one_channel(name, photos):
    grey = photos[:, :1]
    if name in COLOUR:
        with pytest.raises(ValueError, match="needs three colour channels, the images have 1"):
            seen(name, grey)
        return
    for view in seen(name, grey):
        assert view.shape[1] == 1
        assert 0 <= view.min() <= view.max() <= 1


@pytest.mark.parametrize("side", [32, 48])
@pytest.mark.parametrize("name", VIEWS)
def test_missing_pixels_stay_missing_and_spread_nowhere(name, side, photos):
    x = at(photos, side)
    x[:, :, side // 4 : side // 2] = torch.nan
    for view in seen(name, x):
        gaps = view.isnan()
        assert 0.05 < gaps.float().mean() < 0.6
        assert torch.equal(gaps.any(1), gaps.all(1))
        assert 0 <= view[~gaps].min() <= view[~gaps].max() <= 1
    assert all(view.isnan().all() for view in seen(name, torch.full_like(x, torch.nan)))


@pytest.mark.parametrize("name", sorted(set(VIEWS) - COLOUR))
def test_strength_zero_changes_nothing(name, photos):
    settings = {key: OFF[key] for key in VIEWS[name].parameters if key in OFF}
    views = seen(name, photos, **settings)
    views = [views[0][: len(photos)]] if VIEWS[name].attributes["returns"] == "rotations" else views
    for view in views:
        torch.testing.assert_close(view, photos, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", RANDOM)
def test_the_batch_is_left_alone(name, photos):
    x = photos.clone()
    seen(name, x)
    assert torch.equal(x, photos)


@pytest.mark.parametrize("name", VIEWS)
def test_shares_beyond_one_are_refused(name, photos):
    for share in set(VIEWS[name].parameters) - {"strength", "sigma", "small", "space"}:
        with pytest.raises(ValueError, match=rf"view\.{share} must lie between 0 and 1, it is 1.5"):
            made(name, photos, **{share: 1.5})


@pytest.mark.parametrize("name", [name for name in RANDOM if "flip" in VIEWS[name].parameters])
def test_no_mirror_image_where_it_means_something_else(name):
    ramp = torch.linspace(0.2, 0.8, 16).expand(200, 3, 16, 16)
    off = {
        key: OFF[key] for key in ("min_area", "strength", "grey", "solarise", "small") if key in VIEWS[name].parameters
    }
    off |= {"space": "rgb"} if name == "channel_split" else {}
    rising = []
    for mirrored in (True, False):
        view = component("views", name)({"mirrored": mirrored, "shape": [3, 16, 16]}, **off)
        x = view(batch_of(ramp), seeded())[0].x
        rising.append((x[:, 0, 8, -1] > x[:, 0, 8, 0]).float().mean().item())
    assert rising == [pytest.approx(0.5, abs=0.12), 1.0]


# --- colours


def test_grey_of_grey_is_itself(photos):
    grey = jitter(photos, seeded(), strength=0.0, grey=1.0)
    torch.testing.assert_close(grey, grey[:, :1].expand_as(grey), atol=1e-6, rtol=0)
    torch.testing.assert_close(jitter(grey, seeded(), strength=0.0, grey=1.0), grey, atol=1e-6, rtol=0)


def test_jitter_of_one_image_is_the_textbook_one(photos):
    """Brightness, saturation and contrast one after another, factors recovered from the same draws."""
    x, rng = photos[:1] * 0.4 + 0.3, seeded(11)  # far from 0 and 1: nothing is clamped
    found = jitter(x, seeded(11), strength=0.2, grey=0.0, saturation=0.5)
    changed = torch.rand(1, generator=rng) < 0.8
    brightness, contrast, saturation = (1 + s * (2 * torch.rand(1, generator=rng) - 1) for s in (0.16, 0.16, 0.1))
    angle = 2 * math.pi * 0.04 * (2 * torch.rand(1, generator=rng) - 1)
    assert changed
    yiq = torch.tensor([LUMA, (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)])
    y, i, q = torch.einsum("ij,jhw->ihw", yiq, x[0] * brightness)
    i, q = saturation * (angle.cos() * i - angle.sin() * q), saturation * (angle.sin() * i + angle.cos() * q)
    coloured = torch.einsum("ij,jhw->ihw", yiq.inverse(), torch.stack([y, i, q]))
    expected = contrast * coloured + (1 - contrast) * y.mean()
    torch.testing.assert_close(found[0], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [40, 64, 72])
def test_blur_is_a_gaussian_convolution(side, photos):
    """Against a plain two-dimensional sum with the σ of the same draws."""
    x = at(photos[:6], side)
    rng = seeded(5)
    chosen, sigma = torch.rand(6, generator=rng) < 0.6, 0.1 + 1.9 * torch.rand(6, generator=rng)
    found = blur_(x.clone(), seeded(5), p=0.6)
    assert 0 < chosen.sum() < 6
    radius = side // 20
    around = torch.arange(-radius, radius + 1)
    for image, blurred, s, touched in zip(x, found, sigma, chosen, strict=True):
        if not touched:
            assert torch.equal(image, blurred)
            continue
        bell = torch.exp(-(around[:, None] ** 2 + around**2) / (2 * s.double() ** 2))[None, None]
        padded = F.conv2d(image.double()[:, None], bell, padding=radius)
        weight = F.conv2d(torch.ones_like(image).double()[:, None], bell, padding=radius)
        torch.testing.assert_close(blurred.double(), (padded / weight)[:, 0], atol=1e-5, rtol=0)


def test_blur_keeps_a_constant_and_smooths(photos):
    flat = torch.ones(50, 1, 48, 48)
    torch.testing.assert_close(blur_(flat.clone(), seeded(), p=1.0), flat, atol=1e-6, rtol=0)
    x = at(photos, 48)
    assert (blur_(x.clone(), seeded(), p=1.0).diff(dim=3).abs().mean() < 0.95 * x.diff(dim=3).abs().mean()).item()


def test_solarise_inverts_what_is_bright_in_a_share_of_the_images(photos):
    x = photos[photos.flatten(1).amax(1) > 0.6].repeat(40, 1, 1, 1)
    found = solarise(x, seeded(), p=0.2)
    changed = (found != x).flatten(1).any(1)
    assert changed.float().mean().item() == pytest.approx(0.2, abs=0.05)
    assert torch.equal(found[changed], torch.where(x >= 0.5, 1 - x, x)[changed])


def test_cutout_hides_a_square_behind_the_mean():
    x = torch.rand(1000, 3, 32, 32, generator=seeded(1))
    found = cutout(x, seeded(), p=0.5)
    hidden = (found != x).any(1)  # [n, H, W]
    touched = hidden.flatten(1).any(1)
    assert touched.float().mean().item() == pytest.approx(0.5, abs=0.05)
    height, width = hidden[touched].any(2).sum(1), hidden[touched].any(1).sum(1)
    assert torch.equal(height, width)
    assert torch.equal(hidden[touched].sum((1, 2)), height * width)  # a full square
    assert (height.min(), height.max()) == (8, 16)
    mean = x.mean((2, 3), keepdim=True).expand_as(x)
    assert torch.equal(found.masked_select(hidden[:, None]), mean.masked_select(hidden[:, None]))
    assert hidden.any(2).any(0).all()  # it may stand anywhere
    assert hidden.any(1).any(0).all()


def test_small_images_are_never_blurred(photos):
    for side, blurred in ((36, False), (40, True)):
        x = at(photos, side)
        one, other = (seen("crop_jitter", x, blur=p)[0] for p in (0.0, 1.0))
        assert torch.equal(one, other) is not blurred


# --- single views


def test_the_second_view_of_byol_is_solarised_the_first_is_blurred(photos):
    x = torch.ones(400, 1, 48, 48)
    x[..., ::2] = 0.6  # stripes: blur shows, solarise makes them dark
    view = CropJitterAsymmetric({"mirrored": True, "shape": [1, 48, 48]}, min_area=1.0, strength=0.0)
    first, second = (one.x for one in view(batch_of(x), seeded()))
    assert (first.mean((1, 2, 3)) > 0.5).all()
    assert (second.mean((1, 2, 3)) < 0.5).float().mean().item() == pytest.approx(0.2, abs=0.06)
    flat = [(one - one[..., :1, :1]).abs().amax((1, 2, 3)) for one in (first, second)]
    assert (flat[0] < 0.39).float().mean() > 0.8  # σ below a third of a pixel is no blur to speak of
    assert (flat[1] < 0.39).float().mean() < 0.2


def test_multi_crop_has_two_large_and_small_crops_of_lesser_area():
    axis = (torch.arange(64) + 0.5) / 64
    ramps = torch.stack([axis.expand(64, 64), axis[:, None].expand(64, 64), torch.zeros(64, 64)])
    view = MultiCrop({"mirrored": False, "shape": [3, 64, 64]}, small=4, strength=0.0, grey=0.0, blur=0.0)
    views = [one.x for one in view(batch_of(ramps.expand(300, -1, -1, -1)), seeded())]
    assert [v.shape[-1] for v in views] == [64, 64, 36, 36, 36, 36]
    for x, (low, high) in zip(views, [(0.2, 1.0)] * 2 + [(0.08, 0.5)] * 4, strict=True):
        side, a, b = x.shape[-1], x.shape[-1] // 4, 3 * x.shape[-1] // 4
        area = (x[:, 0, a, b] - x[:, 0, a, a]) * (x[:, 1, b, a] - x[:, 1, a, a]) * (side / (b - a)) ** 2
        assert low - 1e-3 < area.min() < low + 0.05
        assert high - 0.05 < area.max() < high + 1e-3
    assert [len(o) for o in view(batch_of(ramps[None]), seeded())] == [1] * 6
    with pytest.raises(ValueError, match=r"view\.small_min_area at most view\.small_max_area"):
        MultiCrop({"mirrored": False, "shape": [3, 64, 64]}, small_min_area=0.6)


def test_small_crops_of_32_pixels_are_those_of_the_papers_suite(photos):
    assert [v.shape[-1] for v in seen("multi_crop", photos)] == [32] * 2 + [18] * 6


def test_rotations_come_in_order_with_their_rows(photos):
    x = photos[:5]
    (one,) = FourRotations({"shape": [3, 32, 32]})(batch_of(x), seeded())
    assert one.index.tolist() == [0, 1, 2, 3, 4] * 4
    assert one.key.tolist() == [100, 101, 102, 103, 104] * 4
    assert torch.equal(one.x[:5], x)
    assert torch.equal(one.x[5:10], x.flip(3).mT)  # a quarter turn to the left
    assert torch.equal(one.x[10:15], x.flip(2, 3))
    assert torch.equal(one.x[15:], x.mT.flip(3))
    with pytest.raises(ValueError, match="only square images can be turned by 90°; these are 28 × 32 pixels"):
        FourRotations({"shape": [1, 28, 32]})


def test_noise_has_its_deviation_and_black_pixels_their_share():
    x = torch.full((100, 3, 16, 16), 0.5)
    damaged, clean = (one.x for one in Noisy({}, sigma=0.1)(batch_of(x), seeded()))
    assert torch.equal(clean, x)
    assert (damaged - x).std().item() == pytest.approx(0.1, rel=0.02)
    masked = Noisy({}, sigma=0.0, masked=0.3)(batch_of(x), seeded())[0].x
    assert (masked == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert torch.equal((masked == 0).any(1), (masked == 0).all(1))  # whole pixels
    with pytest.raises(ValueError, match=r"view\.sigma must not be negative"):
        Noisy({}, sigma=-1.0)


@pytest.mark.parametrize(("distance", "side"), [(0.0, 0.5), (0.25, 0.5), (0.5, 0.5), (0.3125, 0.1875)])
def test_windows_are_as_far_apart_as_asked(distance, side):
    axis = (torch.arange(64) + 0.5) / 64
    ramps = torch.stack([axis.expand(64, 64), axis[:, None].expand(64, 64), torch.zeros(64, 64)]).expand(
        300, -1, -1, -1
    )
    view = CropDistance({"shape": [3, 64, 64]}, distance=distance, side=side, strength=0.0, grey=0.0)
    centres = [one.x[:, :2, 31:33, 31:33].mean((2, 3)) for one in view(batch_of(ramps), seeded())]  # [n, 2] each
    apart = centres[1] - centres[0]
    torch.testing.assert_close(apart.abs(), torch.full_like(apart, distance), atol=1e-3, rtol=0)
    if distance:
        assert len(apart.sign().unique(dim=0)) == 4  # in all four directions
    for centre in centres:
        assert side / 2 - 1e-3 <= centre.min() <= centre.max() <= 1 - side / 2 + 1e-3
    with pytest.raises(ValueError, match="must fit the image"):
        CropDistance({"shape": [3, 64, 64]}, distance=0.6)


def test_windows_some_way_apart_start_at_whole_pixels():
    """Else the phase of the interpolation would tell which two windows belong together."""
    ramp = torch.arange(28.0).expand(50, 1, 28, 28) / 28
    for distance in (0.0, 0.125, 0.5):
        for one in CropDistance({"shape": [1, 28, 28]}, distance=distance, strength=0.0, grey=0.0)(
            batch_of(ramp), seeded()
        ):
            phase = (28 * one.x[:, 0, 14, 13]) % 1  # [n], a middle pixel lies a quarter to the left of a boundary
            torch.testing.assert_close(phase, torch.full_like(phase, 0.25), atol=1e-4, rtol=0)


def test_channel_halves_share_nothing_and_make_up_the_image(photos):
    facts, off = {"shape": [3, 32, 32], "mirrored": True}, {"min_area": 1.0, "flip": 0.0}
    luma = torch.tensor(LUMA)
    grey, colours = (one.x for one in ChannelSplit(facts, **off)(batch_of(photos), seeded()))
    assert torch.equal(grey, grey[:, :1].expand_as(grey))
    level = torch.einsum("c,nchw->nhw", luma, colours)
    torch.testing.assert_close(level, torch.full_like(level, 0.5), atol=1e-6, rtol=0)  # no luma is left
    torch.testing.assert_close(grey + 2 * (colours - 0.5), photos, atol=1e-5, rtol=0)
    red, rest = (one.x for one in ChannelSplit(facts, space="rgb", **off)(batch_of(photos), seeded()))
    torch.testing.assert_close(red + rest, photos, atol=1e-6, rtol=0)
    assert not (red * rest).any()
    assert not red[:, 1:].any()


def test_lab_of_the_primaries_is_the_textbook_one():
    """Lindbloom's values for sRGB under D65; a grey has neither a nor b, and missing pixels stay missing."""
    primaries = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.5, 0.5], [1.0, 1.0, 1.0]])
    x = primaries[:, :, None, None].expand(-1, -1, 8, 8)
    view = ChannelSplit({"shape": [3, 8, 8], "mirrored": True}, space="lab", min_area=1.0, flip=0.0)
    light, colours = (one.x[:, :, 4, 4] for one in view(batch_of(x), seeded()))
    assert torch.equal(light, light[:, :1].expand_as(light))
    assert (colours[:, 0] == 0.5).all()  # no lightness is left
    found = torch.stack([100 * light[:, 0], 256 * (colours[:, 1] - 0.5), 256 * (colours[:, 2] - 0.5)], 1)
    expected = [[53.24, 80.09, 67.20], [87.73, -86.18, 83.18], [32.30, 79.19, -107.86], [53.39, 0, 0], [100, 0, 0]]
    torch.testing.assert_close(found, torch.tensor(expected), atol=0.02, rtol=0)
    gaps = [one.x.isnan().all() for one in view(batch_of(torch.full_like(x, torch.nan)), seeded())]
    assert all(gaps)


@pytest.mark.parametrize(("one", "two"), [("one_crop", "crop_flip"), ("one_crop_jitter", "crop_jitter")])
def test_one_crop_is_the_first_of_two(one, two, photos):
    assert VIEWS[one].parameters == VIEWS[two].parameters
    assert torch.equal(seen(one, photos)[0], seen(two, photos)[0])


def test_strength_follows_the_setting(photos):
    """The mean change of colours grows with strength."""
    off = {"min_area": 1.0, "grey": 0.0, "flip": 0.0}
    facts = {"mirrored": True, "shape": [3, 32, 32]}
    found = [CropJitter(facts, strength=s, **off)(batch_of(photos), seeded())[0].x for s in (0.0, 0.25, 0.5, 1.0)]
    change = [(x - photos).abs().mean().item() for x in found]
    assert change[0] < 1e-6
    assert change[1] > 0.01
    assert change[1] < change[2] < change[3]
