"""Encoders of series: a ragged end is no input; then what each architecture promises."""

import pytest
import torch
from torch.nn import functional as F

from diptych.catalog import components
from diptych.components import component
from diptych.encoders.causal import Causal
from diptych.encoders.fcn import Fcn
from diptych.encoders.series_conv import SeriesConv
from diptych.parts.steps import length_of, with_steps

NAMES = sorted(n for n, e in components("encoders").items() if e.attributes["modality"] == "series")
KEEPS_TIME = [name for name in NAMES if name != "dilated"]


def built(name, steps=40, channels=3, **settings):
    """An encoder whose norms have seen some series."""
    torch.manual_seed(0)
    encoder = component("encoders", name)({"shape": [steps, channels]}, **settings)
    encoder.train()(torch.randn(16, steps, channels) * 2 + 1)
    return encoder.eval()


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.mark.parametrize("name", KEEPS_TIME)  # TS2Vec's convolutions carry their biases over an end and back
def test_missing_steps_behind_a_series_change_nothing(name):
    encoder, short = built(name), torch.randn(5, 23, 3)
    short[0, 4] = torch.nan
    longer = F.pad(short, (0, 0, 0, 17), value=torch.nan)
    torch.testing.assert_close(encoder(longer), encoder(short), rtol=1e-4, atol=1e-5)
    (z, alive), (expected, _) = encoder.steps(longer), encoder.steps(short)
    torch.testing.assert_close(z[:, : expected.shape[1]], expected, rtol=1e-4, atol=1e-5)
    assert not z[:, expected.shape[1] :].any()
    assert torch.equal(alive, (torch.arange(z.shape[1]) < expected.shape[1]).expand_as(alive))


def test_a_sample_does_not_depend_on_its_batch(name):
    encoder, x = built(name), torch.randn(6, 40, 3)
    x[1, 20:] = torch.nan
    torch.testing.assert_close(encoder(x)[1:2], encoder(x[1:2]), rtol=1e-4, atol=1e-5)


def test_one_step_two_steps_and_no_value_at_all(name):
    encoder = built(name)
    for x in (torch.randn(2, 1, 3), torch.randn(2, 2, 3), torch.full((2, 9, 3), torch.nan)):
        assert encoder(x).isfinite().all()


@pytest.mark.parametrize("name", KEEPS_TIME)
def test_the_order_of_steps_matters(name):
    encoder, x = built(name), torch.randn(4, 40, 3)
    assert not torch.allclose(encoder(x), encoder(x.flip(1)), atol=1e-3)


@pytest.mark.parametrize("name", KEEPS_TIME)
def test_states_have_the_promised_number_and_width(name):
    encoder = built(name)
    states, alive = with_steps("any", encoder).steps(torch.randn(2, 40, 3))
    assert states.shape == (2, length_of(encoder, {"shape": [40, 3]}), encoder.width)
    assert alive.shape == states.shape[:2]
    assert encoder.training is False


def test_fcn_is_the_papers():
    convolutions = 8 * 3 * 128 + 5 * 128 * 256 + 3 * 256 * 128
    assert sum(p.numel() for p in Fcn({"shape": [40, 3]}).parameters()) == convolutions + 2 * (128 + 256 + 128)


def test_ts_tccs_encoder_divides_time_by_eight():
    encoder = built("series_conv", steps=128, channels=9)
    assert encoder.steps(torch.randn(2, 128, 9))[0].shape == (2, 17, 128)  # the authors' padding gives 18
    flat = SeriesConv({"shape": [128, 9]}, readout="flat").eval()
    x = torch.randn(2, 128, 9)
    assert flat.dim == 17 * 128
    assert torch.equal(flat(x), flat.steps(x)[0].flatten(1))
    with pytest.raises(ValueError, match="a flat readout of 2176 values was built for another length"):
        flat(x[:, :100])


@pytest.mark.parametrize("length", [1, 2, 7, 60])
def test_causal_equals_padded_convolutions_and_sees_no_future(length):
    encoder = Causal({"shape": [length, 2]}, hidden=6, reduced=9, dim=12, depth=4).eval()
    x = torch.randn(3, length, 2)
    h = x.mT
    for block in encoder.blocks:
        inner = h
        for layer in (block.first, block.second):
            padded = F.pad(inner, (2 * block.dilation, 0))
            inner = F.leaky_relu(F.conv1d(padded, layer.weight, layer.bias, dilation=block.dilation))
        h = inner + block.across(h)
    torch.testing.assert_close(encoder.steps(x)[0], encoder.project(h.mT), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(encoder(x), encoder.project(h.amax(2)), rtol=1e-4, atol=1e-5)
    later = x.clone()
    later[:, length // 2 :] = 7.0
    same = slice(0, length // 2)
    torch.testing.assert_close(encoder.steps(x)[0][:, same], encoder.steps(later)[0][:, same], rtol=1e-4, atol=1e-5)


def test_causal_reads_the_last_step_inside_a_series_where_asked():
    encoder = Causal({"shape": [9, 2]}, hidden=6, reduced=9, dim=12, depth=3, readout="last").eval()
    x = torch.randn(3, 9, 2)
    x[1, 6:] = float("nan")
    states = encoder.steps(x)[0]
    torch.testing.assert_close(encoder(x), torch.stack([states[0, 8], states[1, 5], states[2, 8]]))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("resnet1d", {"dim": 33}, r"encoder\.dim of resnet1d must be a multiple of 2, it is 33"),
        ("series_conv", {"dim": 30}, r"encoder\.dim of series_conv must be a multiple of 4, it is 30"),
        ("series_transformer", {"dim": 30}, r"encoder\.dim of series_transformer must be a multiple of its 16 heads"),
        ("strided_conv", {"hidden": 20}, r"encoder\.hidden of strided_conv must be a multiple of 8, it is 20"),
        ("gru", {"depth": 0}, r"encoder\.depth of gru must be at least 1, it is 0"),
    ],
)
def test_impossible_widths_are_refused(name, settings, message):
    with pytest.raises(ValueError, match=message):
        built(name, **settings)


def test_a_longer_series_than_positions_is_refused():
    with pytest.raises(ValueError, match="a series has 41 steps, the encoder was built for 40"):
        built("series_transformer")(torch.randn(2, 41, 3))
