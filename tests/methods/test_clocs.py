"""CLOCS: what its objective is made of, what its views cut out, what one channel at a time means."""

from dataclasses import replace

import pytest
import torch

from diptych.batch import Batch
from diptych.components import component
from diptych.parts.objectives import clocs, info_nce
from diptych.parts.single_channels import from_0_to_1, single_channels
from diptych.plan import Plan
from diptych.spec import BenchmarkError
from diptych.views._series import halved

NAN = float("nan")


def z(seed, n=6):
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cut(name, x):
    rows = torch.arange(len(x))
    view = component("views", name)({"shape": list(x.shape[1:])})
    return [one.x for one in view(Batch(x, rows, rows), torch.Generator())]


def test_without_other_rows_of_a_patient_it_is_info_nce_in_both_directions():
    a, b = z(0), z(1)
    both = info_nce(a, b, temperature=0.1) + info_nce(b, a, temperature=0.1)
    torch.testing.assert_close(clocs([a, b], patients=torch.arange(6), temperature=0.1), both)


def test_every_pair_of_views_counts():
    views, patients = [z(0), z(1), z(2)], torch.tensor([0, 0, 1, 1, 1, 2])
    pairs = [clocs([views[a], views[b]], patients=patients, temperature=0.5) for a, b in ((0, 1), (0, 2), (1, 2))]
    torch.testing.assert_close(clocs(views, patients=patients, temperature=0.5), torch.stack(pairs).mean())


def test_the_names_of_patients_do_not_matter():
    patients = torch.tensor([0, 0, 1, 1, 1, 2])
    found = [clocs([z(0), z(1)], patients=p, temperature=0.5) for p in (patients, 7 - patients)]
    assert found[0] == found[1]


def test_rows_of_a_patient_attract():
    """Rows 0 and 1 alike in both views are better than not only if they are of one patient."""
    far, near = z(0), z(0)
    near[1] = near[0]
    for patients, better, worse in ((torch.tensor([0, 0, 1, 2, 3, 4]), near, far), (torch.arange(6), far, near)):
        losses = [clocs([view, view], patients=patients, temperature=0.5) for view in (better, worse)]
        assert losses[0] < losses[1]


def test_halves_follow_each_other_within_the_series():
    x = torch.arange(7.0).repeat(4, 1)[..., None]
    x[1, 6:], x[2, :2], x[3, :] = NAN, NAN, NAN
    x[3, 4] = 4.0
    earlier, later = (half[..., 0].tolist() for half in cut("halves", x))
    assert earlier[0] == [0, 1, 2, 3]
    assert later[0] == [3, 4, 5, 6]
    assert (earlier[1][:3], later[1][:3]) == ([0, 1, 2], [3, 4, 5])
    assert (earlier[2][:3], later[2][:3]) == ([2, 3, 4], [4, 5, 6])
    assert earlier[3][0] == later[3][0] == 4
    assert all(value != value for half in (earlier, later) for value in (half[1][3], *half[3][1:]))


def test_channels_and_their_halves():
    x = torch.arange(24.0).view(2, 4, 3)
    assert torch.equal(torch.cat(cut("channels", x), 2), x)
    slices = cut("halves_of_channels", x)
    assert [tuple(one.shape) for one in slices] == [(2, 2, 1)] * 6
    assert torch.equal(torch.cat([torch.cat(slices[:3], 2), torch.cat(slices[3:], 2)], 1), x)


def test_each_channel_is_scaled_by_itself():
    x = torch.tensor([[1.0, 3.0, NAN, 2.0, NAN], [5.0, 5.0, 5.0, 5.0, 5.0], [NAN] * 5])[..., None]
    found = from_0_to_1(x)[..., 0]
    torch.testing.assert_close(found[0], torch.tensor([0, 1, 0.5, 0.5, NAN]), equal_nan=True)
    assert not found[1].any()
    assert found[2].isnan().all()


def test_channels_become_rows_of_their_recording():
    x, key = torch.rand(4, 5, 3), torch.tensor([8, 8, 9, 7])
    found = single_channels(Batch(x, torch.arange(4), key))
    assert found.x.shape == (12, 5, 1)
    assert found.key.unique().tolist() == [7 * 3, 7 * 3 + 1, 7 * 3 + 2, 24, 25, 26, 27, 28, 29]
    assert torch.equal(found.key[:4] == found.key[0], key == 8)
    assert torch.equal(single_channels(Batch(x[..., :1], torch.arange(4), key)).key, key)
    torch.testing.assert_close(found.x[4:8], from_0_to_1(x[:, :, 1:2]))


@pytest.mark.parametrize("view", ["halves", "channels", "halves_of_channels"])
@pytest.mark.parametrize("encoder", ["strided_conv", "fcn"])
def test_every_view_learns_with_an_encoder_of_one_channel(view, encoder, strokes, made, descend):
    method = made("clocs", strokes, encoder={"name": encoder}, view={"name": view})
    losses = descend(method, strokes[1], 15, lr=5e-3)
    assert losses[-1] < 0.95 * losses[0]


def test_a_series_is_the_mean_over_halves_its_channels_side_by_side(strokes, made):
    _, batch = strokes
    silent = batch.x.clone()
    silent[:, :, 3] = NAN
    rescaled = batch.x * torch.tensor([1.0, 2.0, 3.0, 9.0]) + 5
    for view, pieces in (("channels", [batch.x]), ("halves", halved(batch.x)), ("halves_of_channels", halved(batch.x))):
        method = made("clocs", strokes, view={"name": view}).eval()
        with torch.no_grad():
            found, other, without = (method.embed(batch.with_x(x))["backbone"] for x in (batch.x, rescaled, silent))
            z = [[method.encoder(from_0_to_1(piece[:, :, c : c + 1])) for c in range(4)] for piece in pieces]
        expected = torch.cat([torch.stack(channel).mean(0) for channel in zip(*z, strict=True)], 1)
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(other, found, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(without[:, :384], found[:, :384])
        assert not without[:, 384:].any()


def test_the_patient_is_the_recording(strokes, made, rng):
    _, batch = strokes
    method = made("clocs", strokes).eval()
    alone, together = (method.loss(replace(batch, key=torch.arange(128) // rows), rng()) for rows in (1, 4))
    assert together > alone  # the term of the patient's other rows comes to that of the own views


def test_a_single_channel_has_no_leads(strokes, made, benchmark_file):
    facts, batch = strokes
    one = facts | {"shape": [16, 1]}, batch.with_x(batch.x[:, :, :1])
    assert made("clocs", one).embed(one[1])["backbone"].shape == (128, 128)
    with pytest.raises(ValueError, match="view channels needs series of two or more channels; these have 1"):
        made("clocs", one, view={"name": "channels"})
    with pytest.raises(BenchmarkError, match="clocs: runs on series with two or more channels, the data sets are ecg"):
        Plan(benchmark_file("name: m\ndatasets: [ecg200]\nmethods: {clocs: {view.name: [channels]}, mcl: {}}\n"))


def test_the_patient_is_the_group_where_there_is_one():
    """As the loss under these keys, not as under the recordings'."""
    facts = {"shape": [16, 2], "n_train": 6, "classes": 2}
    encoder = component("encoders", "strided_conv")(facts | {"shape": [16, 1]}).eval()
    method = component("methods", "clocs")(encoder, component("views", "halves")(facts))
    recordings, subjects = torch.arange(6), torch.tensor([0, 0, 1, 1, 2, 2])
    batch = Batch(torch.randn(6, 16, 2, generator=torch.Generator().manual_seed(0)), recordings, recordings)
    found = [
        method.loss(one, torch.Generator())
        for one in (batch, replace(batch, group=subjects), replace(batch, key=subjects))
    ]
    assert found[1] == found[2] != found[0]
