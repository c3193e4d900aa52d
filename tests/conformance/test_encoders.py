"""Every encoder: its width, its gradient, what missing values may not do; then each architecture's own promises."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from diptych.batch import Graphs
from diptych.catalog import ENCODERS, components
from diptych.encoders.bottleneck_mlp import BottleneckMlp
from diptych.encoders.causal import Causal
from diptych.encoders.column_tokens import ColumnTokens
from diptych.encoders.conv import Conv
from diptych.encoders.dilated import Dilated
from diptych.encoders.dilated_fcn import DilatedFcn
from diptych.encoders.fcn import Fcn
from diptych.encoders.gin import Gin
from diptych.encoders.gru import Gru
from diptych.encoders.linear import Linear
from diptych.encoders.mlp import Mlp
from diptych.encoders.named_columns import NamedColumns
from diptych.encoders.observed_causal import ObservedCausal
from diptych.encoders.one_layer import OneLayer
from diptych.encoders.pixel_mlp import PixelMlp
from diptych.encoders.resnet1d import Resnet1d
from diptych.encoders.resnet18 import Resnet18
from diptych.encoders.series_conv import SeriesConv
from diptych.encoders.series_transformer import SeriesTransformer
from diptych.encoders.strided_conv import StridedConv
from diptych.encoders.subset_mlp import SubsetMlp
from diptych.encoders.transformer import Transformer
from diptych.encoders.vit import Vit

CLASSES = {"conv": Conv, "dilated": Dilated, "mlp": Mlp, "transformer": Transformer, "gin": Gin}
CLASSES |= {"resnet18": Resnet18, "vit": Vit, "pixel_mlp": PixelMlp}
CLASSES |= {"linear": Linear, "bottleneck_mlp": BottleneckMlp, "one_layer": OneLayer, "subset_mlp": SubsetMlp}
CLASSES |= {"column_tokens": ColumnTokens, "named_columns": NamedColumns}
CLASSES |= {"causal": Causal, "fcn": Fcn, "gru": Gru, "resnet1d": Resnet1d, "series_conv": SeriesConv}
CLASSES |= {"series_transformer": SeriesTransformer, "observed_causal": ObservedCausal}
CLASSES |= {"strided_conv": StridedConv, "dilated_fcn": DilatedFcn}
MODALITY = {name: component.attributes["modality"] for name, component in components("encoders").items()}
DERIVED = {"gin", "resnet18", "one_layer"}  # their width follows from other settings
WIDE = [name for name, component in components("encoders").items() if "dim" in component.parameters]


def test_every_encoder_is_tested_and_every_modality_has_one():
    assert set(components("encoders")) == set(CLASSES)
    assert all(MODALITY[encoder] == modality for modality, encoder in ENCODERS.items())


@pytest.fixture
def encode(small):
    """encode(name, **settings) -> the encoder and the content of its modality."""

    def make(name, **settings):
        facts, batch = small(MODALITY[name])
        torch.manual_seed(0)
        return CLASSES[name](facts, **settings), batch.x

    return make


@pytest.mark.parametrize("name", CLASSES)
def test_width_and_gradient(name, encode):
    encoder, x = encode(name, **({"width": 8} if name == "resnet18" else {}))
    z = encoder(x)
    assert z.shape == (64, encoder.dim)
    z.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.parameters())


@pytest.mark.parametrize("dim", [64, 320])
@pytest.mark.parametrize("name", WIDE)
def test_width_is_a_setting(name, dim, encode):
    encoder, x = encode(name, dim=dim)
    assert encoder(x).shape[1] == encoder.dim == dim


def test_some_derive_their_width(encode):
    assert set(CLASSES) - set(WIDE) == DERIVED
    assert encode("gin", hidden=16, depth=4)[0].dim == 64
    assert encode("resnet18", width=8)[0].dim == 64
    assert encode("resnet18", width=8, blocks=(1, 1))[0].dim == 16


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("conv", {"dim": 30}, r"encoder\.dim of conv must be a multiple of 4, it is 30"),
        ("transformer", {"dim": 30}, r"encoder\.dim of transformer must be a multiple of its 4 heads, it is 30"),
        ("mlp", {"depth": 0}, r"encoder\.depth of mlp must be at least 1, it is 0"),
        ("bottleneck_mlp", {"depth": 0}, r"encoder\.depth of bottleneck_mlp must be at least 1, it is 0"),
        ("pixel_mlp", {"depth": 0}, r"encoder\.depth of pixel_mlp must be at least 1, it is 0"),
        ("subset_mlp", {"overlap": 1.5}, r"subset_mlp needs encoder\.depth and .* they are 1, 4 and 1\.5"),
        ("column_tokens", {"depth": 0}, r"column_tokens needs encoder\.dim, depth, heads and context of at least 1"),
        ("named_columns", {"dim": 30}, r"encoder\.dim of named_columns must be a multiple of its 8 heads, it is 30"),
        ("resnet18", {"blocks": (2, 0)}, r"resnet18 needs encoder\.width and encoder\.blocks of at least 1"),
        ("vit", {"dim": 30}, r"encoder\.dim of vit must be a multiple of 4 and of its 4 heads, it is 30"),
    ],
)
def test_impossible_widths_are_refused(name, settings, message, encode):
    with pytest.raises(ValueError, match=message):
        encode(name, **settings)


@pytest.mark.parametrize("name", CLASSES)
def test_content_is_left_alone(name, encode):
    encoder, x = encode(name)
    values = x.x if isinstance(x, Graphs) else x
    before = values.clone()
    encoder(x)
    assert torch.equal(before.nan_to_num(-9), values.nan_to_num(-9))


# --- conv


def test_conv_is_the_catalogues_conv3():
    facts = {"shape": [1, 28, 28], "statistics": {"mean": [0.5], "sd": [0.2]}}
    assert sum(p.numel() for p in Conv(facts).parameters()) == 9 * 32 + 9 * 32 * 64 + 9 * 64 * 128 + 2 * (32 + 64 + 128)


# --- dilated


def plain(encoder, x, mask):
    """TS2Vec's encoder with ordinary convolutions: the reference of the time-major way."""
    h = (encoder.project(x.nan_to_num(0.0)) * (mask & ~x.isnan().all(2))[..., None]).mT  # [n, hidden, T]
    for block in encoder.blocks:
        inner = h
        for layer in (block.first, block.second):
            weight = layer.weight.permute(2, 1, 0)  # [d_out, d_in, 3]
            inner = F.conv1d(F.gelu(inner), weight, layer.bias, padding=layer.dilation, dilation=layer.dilation)
        h = inner + block.residual(h.mT).mT
    return h.mT


@pytest.mark.parametrize("length", [1, 2, 5, 33, 96, 1500])
def test_dilated_equals_plain_convolutions(length):
    torch.manual_seed(length)
    encoder = Dilated({"shape": [length, 3]}, dim=40, hidden=16).eval()
    x, mask = torch.randn(2, length, 3), torch.rand(2, length) < 0.7
    found, expected = encoder.per_step(x, mask), plain(encoder, x, mask)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    weight = torch.randn_like(found)
    gradients = [torch.autograd.grad((z * weight).sum(), list(encoder.parameters())) for z in (found, expected)]
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("lengths", "spans"), [((12, 9), ((3, 9), (1, 7))), ((5, 40), ((4, 5), (0, 1))), ((1, 2), ((0, 1), (1, 2)))]
)
def test_spans_of_crops_equal_each_crop_alone(lengths, spans):
    encoder = Dilated({"shape": [40, 3]}, dim=40, hidden=16).eval()
    crops = [
        (torch.randn(3, length, 3), torch.rand(3, length) < 0.7, slice(*span))
        for length, span in zip(lengths, spans, strict=True)
    ]
    together, alone = encoder.spans(crops), [encoder.per_step(x, mask)[:, span] for x, mask, span in crops]
    weights = [torch.randn_like(z) for z in alone]
    gradients = []
    for found in (together, alone):
        loss = sum((z * w).sum() for z, w in zip(found, weights, strict=True))
        gradients.append(torch.autograd.grad(loss, list(encoder.parameters())))
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def test_dilated_has_the_papers_size():
    encoder = Dilated({"shape": [96, 1]})
    assert sum(p.numel() for p in encoder.parameters()) == 637_248
    assert [block.first.dilation for block in encoder.blocks] == [2**i for i in range(11)]
    assert [type(block.residual) for block in encoder.blocks] == [nn.Identity] * 10 + [nn.Linear]


def test_what_stood_in_a_missing_step_cannot_matter():
    encoder = Dilated({"shape": [40, 3]}).eval()
    x = torch.randn(2, 40, 3)
    huge = x.clone()
    huge[:, 7] = 1e6
    x[:, 7] = huge[:, 7] = torch.nan
    assert torch.equal(encoder.per_step(x), encoder.per_step(huge))
    hidden = torch.ones(2, 40, dtype=torch.bool)
    hidden[:, 7] = False
    assert torch.equal(encoder.per_step(x), encoder.per_step(x.nan_to_num(5.0), hidden))  # masked = missing
    assert not torch.allclose(encoder.per_step(x), encoder.per_step(x.nan_to_num(0.0)))  # missing ≠ a true zero


def test_a_single_missing_channel_leaves_the_others():
    encoder = Dilated({"shape": [40, 3]}).eval()
    x = torch.randn(2, 40, 3)
    x[:, :, 1] = torch.nan
    assert torch.equal(encoder.per_step(x), encoder.per_step(x.nan_to_num(0.0)))
    assert not torch.allclose(encoder(x), encoder(torch.full_like(x, torch.nan)))


def test_series_is_read_between_its_first_and_last_value():
    encoder = Dilated({"shape": [20, 1]}).eval()
    x = torch.randn(3, 20, 1)
    x[0, 12:], x[1, :4], x[2] = torch.nan, torch.nan, torch.nan
    x[0, 5] = torch.nan  # a gap inside is read: its state comes from the context
    steps = encoder.per_step(x)
    expected = torch.stack([steps[0, :12].amax(0), steps[1, 4:].amax(0), steps[2].amax(0)])
    assert torch.equal(encoder(x), expected)


def test_dropout_acts_in_training_only(encode):
    encoder, x = encode("dilated")
    assert not torch.equal(encoder.per_step(x), encoder.per_step(x))
    share = (encoder.per_step(x) == 0).float().mean().item()
    assert share == pytest.approx(0.1, abs=0.01)
    encoder.eval()
    assert torch.equal(encoder.per_step(x), encoder.per_step(x))


# --- transformer


def test_padding_changes_nothing(encode):
    encoder, x = encode("transformer")
    encoder.eval()
    x = x.clone()
    x[:, 7:] = 0
    longer, shorter = (encoder(x), encoder.cls(x)), (encoder(x[:, :7]), encoder.cls(x[:, :7]))
    for a, b in zip(longer, shorter, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_an_empty_text_is_finite_and_a_long_one_refused(encode):
    encoder, x = encode("transformer")
    empty = torch.zeros_like(x)
    assert torch.equal(encoder.eval()(empty), torch.zeros(64, 128))
    assert encoder.cls(empty).isfinite().all()
    with pytest.raises(ValueError, match="a text has 24 tokens, the encoder was built for 12"):
        encoder(torch.cat([x, x], 1))


def test_word_order_matters(encode):
    encoder, x = encode("transformer")
    swapped = x[:, [1, 0, *range(2, 12)]]
    assert not torch.allclose(encoder.eval()(x), encoder(swapped), atol=1e-4)


# --- mlp


@pytest.mark.parametrize("name", ["mlp", "linear", "bottleneck_mlp"])
def test_missing_cell_is_the_training_mean(name, encode):
    encoder, x = encode(name)
    holes = x.clone()
    holes[:, 3] = torch.nan
    means = x.clone()
    means[:, 3] = 0
    assert torch.equal(encoder(holes), encoder(means))


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("mlp", [(256, 13), (256, 256), (256, 256), (256, 256)]),
        ("linear", [(256, 13)]),
        ("bottleneck_mlp", [(512, 13), (512, 512), (10, 512)]),
    ],
)
def test_table_encoders_have_their_layers(name, shapes, encode):
    encoder, _ = encode(name)
    assert [tuple(p.shape) for p in encoder.parameters() if p.ndim == 2] == shapes


def test_only_the_linear_encoder_is_linear(encode):
    """f(a) + f(b) = f(a + b) + f(0) holds for an affine map and for nothing else here."""
    gaps = {}
    for name in ("linear", "bottleneck_mlp", "mlp"):
        encoder, x = encode(name)
        zero = encoder(torch.zeros(1, x.shape[1]))
        gaps[name] = (encoder(x[:32]) + encoder(x[32:]) - encoder(x[:32] + x[32:]) - zero).abs().max().item()
    assert gaps["linear"] < 1e-5
    assert min(gaps["bottleneck_mlp"], gaps["mlp"]) > 1e-2


# --- gin


def permuted(graphs, generator):
    """The same graphs with their nodes and edges listed in another order."""
    order = torch.argsort(graphs.graph + torch.rand(len(graphs.graph), generator=generator, dtype=torch.float64))
    new = torch.empty_like(order)
    new[order] = torch.arange(len(order))
    shuffled = torch.randperm(graphs.edges.shape[1], generator=generator)
    return Graphs(graphs.x[order], new[graphs.edges[:, shuffled]], graphs.graph, len(graphs))


@pytest.mark.parametrize("training", [True, False])
def test_node_order_does_not_matter(training, encode):
    encoder, graphs = encode("gin")
    encoder.double().train(training)
    graphs = Graphs(graphs.x.double(), graphs.edges, graphs.graph, len(graphs))
    other = permuted(graphs, torch.Generator().manual_seed(1))
    assert not torch.equal(other.x, graphs.x)
    torch.testing.assert_close(encoder(graphs), encoder(other))


def test_gin_equals_its_equation(encode):
    """h ← BN(ReLU(MLP(h + Σ neighbours))), summed per graph, one node at a time."""
    encoder, graphs = encode("gin")
    encoder.eval()
    h, pooled = graphs.x, []
    for layer, norm in zip(encoder.layers, encoder.norms, strict=True):
        rows = []
        for node in range(len(h)):
            neighbours = graphs.edges[1, graphs.edges[0] == node]
            rows.append(h[node] + h[neighbours].sum(0))
        h = norm(layer(torch.stack(rows)).relu())
        pooled.append(torch.stack([h[graphs.graph == g].sum(0) for g in range(len(graphs))]))
    torch.testing.assert_close(encoder(graphs), torch.cat(pooled, 1), rtol=1e-4, atol=1e-4)


def test_edges_and_missing_attributes(encode):
    encoder, graphs = encode("gin")
    encoder.eval()
    none = Graphs(graphs.x, graphs.edges[:, :0], graphs.graph, len(graphs))
    assert not torch.allclose(encoder(graphs), encoder(none))
    holes = Graphs(graphs.x.clone(), graphs.edges, graphs.graph, len(graphs))
    holes.x[::3, 0] = torch.nan
    zeros = Graphs(holes.x.nan_to_num(0.0), graphs.edges, graphs.graph, len(graphs))
    assert torch.equal(encoder(holes), encoder(zeros))
