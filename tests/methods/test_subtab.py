"""SubTab: subsets cover the row; one subset is an autoencoder; the mean does not know their order."""

import pytest
import torch

from diptych.encoders.subset_mlp import SubsetMlp, windows
from diptych.parts.fields import fields_of

PLAIN = {"subsets": 1, "overlap": 0.0}


def test_windows_are_those_of_the_paper_and_cover_what_its_code_drops():
    found = windows(torch.arange(784), 4, 0.75)
    assert [(int(w[0]), int(w[-1])) for w in found] == [(0, 342), (49, 391), (245, 587), (441, 783)]
    uneven = windows(torch.arange(10), 4, 0.75)
    assert uneven.shape == (4, 5)
    assert sorted(set(uneven.flatten().tolist())) == list(range(10))
    assert windows(torch.arange(3), 4, 0.5).shape == (4, 1)


def test_a_field_is_whole_or_not_in_a_subset(wines):
    facts, _ = wines
    fields = fields_of(facts)
    for subset in windows(fields, 4, 0.5).tolist():
        seen = fields[[column for column in subset if column < len(fields)]]
        for field in seen.unique():
            assert (seen == field).sum() == (fields == field).sum()


def test_one_subset_without_noise_is_a_plain_autoencoder(wines, made, rng):
    _, batch = wines
    method = made("subtab", wines, encoder=PLAIN, view={"rate": 0.0})
    drawn = method.decoder(method.encoder.layers(batch.x.nan_to_num(0.0)))
    expected = (drawn - batch.x).square().nanmean() * batch.x.shape[1]  # a sum over columns, mean over rows
    torch.testing.assert_close(method.loss(batch, rng()), expected)


def test_order_inside_and_of_subsets_does_not_matter(wines):
    facts, batch = wines
    encoder = SubsetMlp(facts)
    before = encoder(batch.x)
    encoder.columns = encoder.columns.flip(0)
    torch.testing.assert_close(encoder(batch.x), before)
    order = torch.randperm(encoder.columns.shape[1])
    encoder.columns = encoder.columns[:, order]
    assert not torch.allclose(encoder(batch.x), before, atol=1e-3)
    first = encoder.layers[0][0]
    first.weight.data = first.weight.data[:, order]
    torch.testing.assert_close(encoder(batch.x), before)


def test_subsets_have_noise_of_their_own_and_reading_has_none(wines, made, rng):
    _, batch = wines
    method = made("subtab", wines, encoder={"subsets": 2, "overlap": 1.0})  # both subsets are the whole row
    generator = rng()
    first, second = (method._latent(batch, subset, generator) for subset in range(2))
    assert not torch.allclose(first, second)
    torch.testing.assert_close(method.backbone(batch), method.encoder.latent(batch.x, 0))


def test_it_draws_and_compares(wines, made, descend):
    _, batch = wines
    losses = descend(made("subtab", wines), batch, 40, lr=3e-3)
    assert losses[-1] < 0.8 * losses[0]


def test_another_encoder_is_refused(wines, made):
    with pytest.raises(TypeError, match="subtab needs an encoder with subsets of the columns"):
        made("subtab", wines, encoder={"name": "mlp"})
