"""Every encoder of images, found in the catalogue: sizes, channels, gaps; then what each architecture promises."""

import pytest
import torch
from torch.nn import functional as F

from diptych.catalog import components
from diptych.components import component
from diptych.encoders.pixel_mlp import PixelMlp
from diptych.encoders.resnet18 import Resnet18
from diptych.encoders.vit import Vit
from diptych.parts.positions import sine_cosine

IMAGE = [name for name, c in components("encoders").items() if c.attributes["modality"] == "image"]
SETTINGS = {"resnet18": {"width": 8}}


def facts(channels=3, side=32, mean=0.5, sd=0.2):
    return {"shape": [channels, side, side], "statistics": {"mean": [mean] * channels, "sd": [sd] * channels}}


def made(name, found):
    torch.manual_seed(0)
    return component("encoders", name)(found, **SETTINGS.get(name, {}))


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 30, 32), (3, 72, 72)])
@pytest.mark.parametrize("name", IMAGE)
def test_images_of_many_sizes(name, shape):
    encoder = made(name, facts(shape[0], shape[1]))
    assert encoder(torch.rand(4, *shape)).shape == (4, encoder.dim)


@pytest.mark.parametrize("name", IMAGE)
def test_one_encoder_takes_large_and_small_crops(name):
    encoder = made(name, facts())
    for side in (32, 18, 16, 4):
        assert encoder(torch.rand(4, 3, side, side)).shape == (4, encoder.dim)


@pytest.mark.parametrize("name", IMAGE)
def test_missing_pixel_is_a_mean_pixel(name):
    encoder = made(name, facts(1, 8, mean=0.4, sd=0.0)).eval()  # a constant channel divides by no zero
    x = torch.rand(3, 1, 8, 8)
    x[:, :, 2:4] = torch.nan
    assert torch.equal(encoder(x), encoder(x.nan_to_num(0.4)))
    assert encoder(torch.full_like(x, torch.nan)).isfinite().all()


@pytest.mark.parametrize("name", IMAGE)
def test_channels_are_standardised_by_the_training_split(name):
    x = torch.rand(3, 3, 32, 32)
    dark = made(name, facts(mean=0.5, sd=0.2)).eval()
    bright = made(name, facts(mean=0.6, sd=0.1)).eval()
    torch.testing.assert_close(dark(x), bright((x - 0.5) / 2 + 0.6), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", IMAGE)
def test_same_seed_same_result_and_rows_are_independent(name, photos):
    first, again = made(name, facts()), made(name, facts())
    assert torch.equal(first(photos), again(photos))
    first.eval()
    torch.testing.assert_close(first(photos)[3:5], first(photos[3:5]), rtol=1e-4, atol=1e-5)


# --- resnet18


@pytest.mark.parametrize(
    ("settings", "count"),
    [({}, 11_168_832), ({"width": 32}, 2_795_040), ({"width": 32, "blocks": (1, 1, 1, 1)}, 1_226_400)],
)
def test_resnet_has_its_parameters(settings, count):
    encoder = Resnet18(facts(), **settings)
    assert sum(p.numel() for p in encoder.parameters()) == count
    assert encoder.dim == 8 * settings.get("width", 64)


def test_resnet_stem_keeps_the_resolution_and_stages_halve_it():
    encoder = Resnet18(facts(), width=4)
    x = encoder.stem(torch.rand(2, 3, 32, 32))
    sides = [x.shape[2]]
    for stage in encoder.stages:
        x = stage(x)
        sides.append(x.shape[2])
    assert sides == [32, 32, 16, 8, 4]


def test_resnet_equals_its_definition(photos):
    """conv–BN–ReLU–conv–BN plus shortcut, ReLU: block by block from the parameters alone."""
    torch.manual_seed(0)
    encoder = Resnet18(facts(), width=4, blocks=(1, 2)).eval()

    def layer(x, part, stride):
        convolution, norm = part
        x = F.conv2d(x, convolution.weight, stride=stride, padding=convolution.weight.shape[2] // 2)
        return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)

    x = F.relu(layer((photos - 0.5) / 0.2, encoder.stem, 1))
    for block, stride in ((encoder.stages[0][0], 1), (encoder.stages[1][0], 2), (encoder.stages[1][1], 1)):
        inner = layer(F.relu(layer(x, block.first, stride)), block.second, 1)
        x = F.relu(inner + (layer(x, block.shortcut, 2) if stride == 2 else x))
    torch.testing.assert_close(encoder(photos), x.mean((2, 3)), rtol=1e-4, atol=1e-5)


def test_zero_residuals_start_as_the_identity():
    """With every block adding nothing, a stage without a change of shape returns its (rectified) input."""
    encoder = Resnet18(facts(), width=4, zero_init_residual=True)
    x = torch.rand(3, 4, 8, 8)
    torch.testing.assert_close(encoder.stages[0](x), x)
    assert not torch.allclose(Resnet18(facts(), width=4).stages[0](x), x)
    assert not any(block.norm.weight.any() for stage in encoder.stages for block in stage)


# --- pixel_mlp


def test_pixel_mlp_gives_every_pixel_its_own_weights(photos):
    """Its first layer has a weight per pixel and channel; with permuted weights it reads permuted pixels alike."""
    torch.manual_seed(0)
    encoder = PixelMlp(facts(), hidden=24, depth=3)
    shapes = [tuple(p.shape) for p in encoder.parameters() if p.ndim == 2]
    assert shapes == [(24, 3 * 32 * 32), (24, 24), (24, 24), (128, 24)]
    order, expected = torch.randperm(3 * 32 * 32), encoder(photos)
    with torch.no_grad():
        encoder.layers[0].weight.copy_(encoder.layers[0].weight[:, order])
    shuffled = photos.flatten(1)[:, order].reshape(photos.shape)
    torch.testing.assert_close(encoder(shuffled), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(encoder(photos), expected, atol=1e-3)


def test_pixel_mlp_reads_another_size_resized(photos):
    encoder = PixelMlp(facts(), hidden=24)
    flat = photos.mean((2, 3), keepdim=True)
    torch.testing.assert_close(encoder(flat.expand(-1, -1, 18, 18)), encoder(flat.expand(-1, -1, 32, 32)))
    holes = photos[:, :, :16, :16].clone()
    holes[:, :, 3:5] = torch.nan
    assert encoder(holes).isfinite().all()


# --- vit


def test_patches_are_the_standardised_squares_in_reading_order():
    encoder, x = Vit(facts()), torch.rand(2, 3, 8, 12)
    patches = encoder.patchify(x)
    assert encoder.grid(x) == (2, 3)
    assert patches.shape == (2, 6, 48)
    expected = ((x - 0.5) / 0.2)[:, :, 4:8, 0:4].flatten(1)
    torch.testing.assert_close(patches[:, 3], expected)
    ragged = torch.rand(2, 3, 9, 10)  # filled up to 12 × 12 by the mean, right and below
    filled = F.pad(ragged, (0, 2, 0, 3), value=0.5)
    torch.testing.assert_close(encoder.patchify(ragged), encoder.patchify(filled))
    assert encoder.grid(ragged) == (3, 3)


def test_leaving_out_nothing_in_another_order_changes_no_state():
    torch.manual_seed(0)
    encoder, x = Vit(facts()).eval(), torch.rand(3, 3, 16, 16)
    order = torch.stack([torch.randperm(16) for _ in range(3)])
    whole, shuffled = encoder.tokens(x), encoder.tokens(x, order)
    assert whole.shape == (3, 17, 128)
    torch.testing.assert_close(shuffled[:, 0], whole[:, 0], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(
        shuffled[:, 1:], whole[:, 1:].gather(1, order[..., None].expand(-1, -1, 128)), rtol=1e-3, atol=1e-4
    )
    torch.testing.assert_close(encoder(x), whole[:, 1:].mean(1))


def test_hidden_patches_cannot_matter():
    torch.manual_seed(0)
    encoder, x = Vit(facts()), torch.rand(2, 3, 16, 16)
    keep = torch.tensor([[0, 5, 15], [3, 2, 1]])
    other = x.clone()
    other[0, :, 8:12] = 0.9  # patches 8 … 11 of the first image
    assert encoder.tokens(x, keep).shape == (2, 4, 128)
    assert torch.equal(encoder.tokens(x, keep), encoder.tokens(other, keep))
    assert not torch.equal(encoder.tokens(x), encoder.tokens(other))


def test_places_matter():
    torch.manual_seed(0)
    encoder, x = Vit(facts()).eval(), torch.rand(2, 3, 16, 16)
    assert not torch.allclose(encoder(x), encoder(x.flip(3).unflatten(3, (4, 4)).flip(4).flatten(3)), atol=1e-3)


@pytest.mark.parametrize(("rows", "columns", "dim"), [(8, 8, 128), (2, 3, 8), (1, 1, 4)])
def test_positions_are_sines_and_cosines_of_row_and_column(rows, columns, dim):
    found = sine_cosine(rows, columns, dim, torch.device("cpu"))
    assert found.shape == (rows * columns, dim)
    quarter = dim // 4
    for row in range(rows):
        for column in range(columns):
            for i in range(quarter):
                rate = 10_000 ** (-i / quarter)
                angles = torch.tensor([row * rate, row * rate, column * rate, column * rate])
                expected = torch.stack([angles[0].sin(), angles[1].cos(), angles[2].sin(), angles[3].cos()])
                torch.testing.assert_close(found[row * columns + column, i::quarter], expected, atol=1e-5, rtol=0)
    assert len(found.unique(dim=0)) == rows * columns


def test_vit_has_its_parameters():
    """0.808 M with learned positions of 64 patches and class token; fixed ones are no parameters."""
    block = 4 * 128**2 + 4 * 128 + 8 * 128**2 + 5 * 128 + 4 * 128
    count = 48 * 128 + 128 + 128 + 4 * block + 2 * 128
    assert sum(p.numel() for p in Vit(facts()).parameters()) == count == 799_744
