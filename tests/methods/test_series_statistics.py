"""Summary statistics and catch22: measured on what is there, scaled by training rows."""

import sys

import numpy as np
import pytest
import torch

from diptych.parts.expert_features import expert_features
from diptych.parts.optional import Unavailable
from diptych.parts.scale import Scale

NAMES = ("summary_statistics", "catch22")


def skip_without(name):
    if name == "catch22":
        pytest.importorskip("pycatch22", reason="pycatch22 is not installed: the optional extra `series`")


@pytest.mark.parametrize("name", NAMES)
def test_training_rows_have_mean_0_and_deviation_1(strokes, made, name):
    skip_without(name)
    facts, batch = strokes
    z = made(name, strokes).embed(batch)["backbone"]
    assert z.shape == (128, 4 * (24 if name == "catch22" else 13))
    deviation = z.std(0, correction=0)
    torch.testing.assert_close(z.mean(0), torch.zeros(z.shape[1]), atol=1e-3, rtol=0)
    assert (((deviation - 1).abs() < 1e-2) | (deviation == 0)).all()
    assert (deviation > 0).float().mean() > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_what_follows_the_end_of_a_series_does_not_count(strokes, made, name):
    skip_without(name)
    method, (_, batch) = made(name, strokes), strokes
    longer = torch.cat([batch.x, torch.full((128, 7, 4), torch.nan)], 1)
    found, expected = (method.embed(batch.with_x(x))["backbone"] for x in (longer, batch.x))
    if name == "summary_statistics":  # the dominant frequency is of the padded series
        found, expected = (z[:, :-4] for z in (found, expected))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_channel_without_values_is_at_the_training_mean(strokes, made, name):
    skip_without(name)
    method, (_, batch) = made(name, strokes), strokes
    x = batch.x.clone()
    x[:, :, 2] = torch.nan
    found, expected = (method.embed(batch.with_x(x))["backbone"].unflatten(1, (-1, 4)) for x in (x, batch.x))
    if name == "catch22":  # channel by channel
        found, expected = (z.flatten(1).unflatten(1, (4, -1)).mT for z in (found, expected))
    assert not found[..., 2].any()
    assert torch.equal(found[..., [0, 1, 3]], expected[..., [0, 1, 3]])


def test_catch22_is_the_packages(rng):
    skip_without("catch22")
    from pycatch22 import catch22_all

    from diptych.parts.catch22 import catch22

    x = torch.randn(3, 50, 2, generator=rng(1)).cumsum(1)
    expected = catch22_all(x[1, :, 1].tolist(), catch24=True)["values"]
    np.testing.assert_allclose(catch22(x)[1, 24:], expected, rtol=1e-4, atol=1e-5)
    x[1, 20, 1] = torch.nan
    bridged = x.clone()
    bridged[1, 20, 1] = (x[1, 19, 1] + x[1, 21, 1]) / 2
    torch.testing.assert_close(catch22(x), catch22(bridged), rtol=1e-3, atol=1e-4)


def test_without_its_package_catch22_names_the_extra(strokes, made, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycatch22", None)
    with pytest.raises(Unavailable, match=r"catch22 needs the package pycatch22: pip install 'diptych\[series\]'"):
        made("catch22", strokes)


def test_what_training_rows_do_not_vary_in_is_0():
    scale = Scale()
    scale.fit(torch.tensor([[1.0, 5, torch.nan], [3, 5, torch.nan], [torch.nan, 5, torch.nan]]))
    found = scale(torch.tensor([[3.0, 9, 1], [torch.nan, 5, torch.nan]]))
    assert torch.equal(found, torch.tensor([[1.0, 0, 0], [0, 0, 0]]))


def test_nothing_seen_is_told_apart_from_zero():
    x = torch.randn(4, 20, 2)
    x[0, :, 1] = torch.nan
    f = expert_features(x).unflatten(1, (13, 2))
    assert f[0, :, 1].isnan().all()
    assert f[1:].isfinite().all()
