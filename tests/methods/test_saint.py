"""SAINT: what tokens, heads and views are; rows compared with a fixed context."""

import pytest
import torch
from torch.nn import functional as F

from diptych.encoders.column_tokens import ColumnTokens
from diptych.parts.field_attention import RowBlock
from diptych.parts.field_tokens import FieldHeads, FieldTokens
from diptych.parts.fields import differ, fields_of
from diptych.views.cut_mix_fields import CutMixFields

SMALL = {"depth": 1, "heads": 2, "dim": 16, "dropout": 0.0}


def test_without_augmentation_rows_find_themselves_at_once(wines, made, descend):
    _, batch = wines
    method = made("saint", wines, encoder=SMALL, view={"rate": 0.0}, mixup=0.0, weights=(1.0, 0.0, 0.0))
    descend(method, batch, 25, lr=3e-3)
    with torch.no_grad():
        states = F.normalize(method.encoder.states(method.encoder.tokens(batch.x)), dim=2).flatten(1)
        first, second = (F.normalize(head(states), dim=1) for head in method.compare.heads)
    assert torch.equal((first @ second.T).argmax(1), torch.arange(len(batch)))


def test_a_mixture_is_mostly_its_own_row(wines, made):
    assert made("saint", wines, mixup=0.2).own == made("saint", wines, mixup=0.8).own == 0.8


def test_names_of_levels_are_arbitrary(wines):
    facts, batch = wines
    tokens = FieldTokens(facts, 8)
    before = tokens(batch.x)
    order = torch.arange(len(facts["fields"]))
    order[11:15] = torch.tensor([13, 11, 14, 12])  # the levels of strength
    tokens.of_level.data[:4] = tokens.of_level.data[order[11:15] - 11]
    torch.testing.assert_close(tokens(batch.x[:, order]), before)


def test_tokens_are_apart_and_missing_is_no_value(wines):
    facts, batch = wines
    tokens = FieldTokens(facts, 8)
    before, x = tokens(batch.x), batch.x.clone()
    x[:, 3], x[:, 11:15] = torch.nan, torch.nan  # a number and a level
    after = tokens(x)
    changed = (after != before).any(2).all(0)
    assert changed.nonzero()[:, 0].tolist() == [3, 11]
    torch.testing.assert_close(after[:, [3, 11]], tokens.own[[3, 11]].expand(len(x), -1, -1))
    x[:, 3] = 0.0
    assert not torch.allclose(tokens(x)[:, 3], after[:, 3], atol=1e-4)


def test_errors_of_levels_and_numbers(wines):
    """Cross-entropy of each categorical field, summed; squared error over numbers that are there."""
    facts, batch = wines
    heads, x = FieldHeads(facts, 8), batch.x.clone()
    tokens = torch.randn(len(x), 13, 8)
    x[:5, 11:15] = torch.nan
    predicted = heads(tokens)
    strength = F.cross_entropy(predicted[5:, 11:15], x[5:, 11:15])
    hue = F.cross_entropy(predicted[:, 15:], x[:, 15:])
    levels, numbers = heads.errors(tokens, x)
    torch.testing.assert_close(levels, strength + hue)
    torch.testing.assert_close(numbers, (predicted - x)[:, :11].square().nanmean())


def test_what_is_cut_in_comes_from_one_row(wines, rng):
    facts, batch = wines
    view = CutMixFields(facts, rate=0.3)
    view.calibrate(batch, rng())
    _, cut = view(batch, rng(1))
    fields = fields_of(facts)
    changed = differ(cut.x, batch.x, fields)  # [n, fields]
    assert 0.2 < changed[:, :10].float().mean() < 0.35
    for row, own in zip(cut.x, changed[:, fields], strict=True):
        same = (batch.x == row) | (batch.x.isnan() & row.isnan())  # [rows, F]
        assert same[:, own].all(1).any()


def test_rows_are_compared_with_a_context_and_not_with_their_batch(wines, made):
    facts, batch = wines
    method = made("saint", wines, encoder=SMALL | {"intersample": True, "context": 32}).eval()
    with torch.no_grad():
        together, alone = method.encoder(batch.x), torch.cat([method.encoder(row[None]) for row in batch.x[:9]])
    torch.testing.assert_close(alone, together[:9], rtol=1e-4, atol=1e-5)
    assert method.encoder.context.shape == (32, facts["shape"][0])
    with torch.no_grad():
        method.encoder.context = method.encoder.context + 1.0
        assert not torch.allclose(method.encoder(batch.x), together, atol=1e-3)
        pair = method.train().encoder(batch.x[:9])  # in training they do see each other
    assert not torch.allclose(pair, alone, atol=1e-3)


def test_intersample_attention_needs_its_context(wines):
    facts, batch = wines
    encoder = ColumnTokens(facts, **SMALL, intersample=True).eval()
    with pytest.raises(RuntimeError, match="has no context rows"):
        encoder(batch.x)


def test_rows_see_context_and_themselves():
    block = RowBlock(3, 4, 2, 0.0)
    x = torch.randn(6, 3, 4)
    found = block(x, context=2)
    x[4] += 1.0
    moved = (block(x, context=2) != found).flatten(1).any(1)
    assert moved.tolist() == [False, False, False, False, True, False]
    x[0] += 1.0
    assert (block(x, context=2) != found).flatten(1).any(1).all()
    assert block(x).shape == x.shape


def test_it_denoises(wines, made, descend):
    _, batch = wines
    losses = descend(made("saint", wines, encoder=SMALL), batch, 30, lr=3e-3)
    assert losses[-1] < 0.7 * losses[0]
