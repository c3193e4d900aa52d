"""TransTab reads columns by their names: their order is nothing, and new ones are read, too."""

import pytest
import torch

from diptych.parts.column_words import columns_of
from diptych.parts.fields import fields_of
from diptych.parts.tokens import PADDING
from diptych.views.column_partitions import ColumnPartitions


def rearranged(facts, order):
    """The facts of the same table with its fields in another order, and the order of its columns."""
    fields = fields_of(facts)
    columns = torch.cat([(fields == field).nonzero()[:, 0] for field in order])
    place = {field: i for i, field in enumerate(order)}
    moved = {
        "fields": [place[int(field)] for field in fields[columns]],
        "columns": [facts["columns"][field] for field in order],
    }
    return facts | moved, columns


def test_facts_name_columns_and_levels(wines):
    facts, batch = wines
    columns = columns_of(facts)
    assert [column["name"] for column in columns[-2:]] == ["Strength", "red_hue"]
    assert columns[0] == {"name": "alcohol", "levels": None}
    sizes = torch.bincount(fields_of(facts)).tolist()
    assert sizes == [len(column["levels"]) if column["levels"] else 1 for column in columns]
    shares = batch.x[:, 11:15].mean(0)
    assert torch.equal(shares, shares.sort(descending=True).values)  # levels by frequency


def test_the_order_of_columns_is_nothing(wines, made):
    facts, batch = wines
    encoder = made("transtab", wines).encoder
    other, columns = rearranged(facts, [12, 4, 0, 11, 3, 1, 2, 10, 9, 8, 7, 6, 5])
    torch.testing.assert_close(encoder.reading(other)(batch.x[:, columns]), encoder(batch.x), rtol=1e-4, atol=1e-5)


def test_another_table_is_read_with_the_same_weights(wines, made):
    facts, batch = wines
    encoder = made("transtab", wines).encoder
    columns = [{"name": "alcohol", "levels": None}, {"name": "Vineyard µ", "levels": ["north slope", "valley", None]}]
    other = encoder.reading({"fields": [0, 1, 1, 1], "columns": columns})
    x = torch.tensor([[0.5, 1, 0, 0], [0.5, 0, 1, 0], [0.5, 0, 0, 1], [torch.nan, 0, 1, 0]])
    z = other(x)
    assert z.shape == (4, encoder.dim)
    assert len(z.unique(dim=0)) == 4
    assert torch.equal(encoder(batch.x), made("transtab", wines).encoder(batch.x))  # the first still reads its own
    z.square().sum().backward()
    assert encoder.words.weight.grad.any()
    alone = torch.full((1, len(facts["fields"])), torch.nan)
    alone[:, 0] = 0.5  # of a wine its alcohol is known, nothing else
    nothing = torch.tensor([[0.5, torch.nan, torch.nan, torch.nan]])
    torch.testing.assert_close(other(nothing), encoder(alone), rtol=1e-4, atol=1e-5)


def test_words_begin_as_small_as_the_authors(wines, made):
    encoder = made("transtab", wines).encoder
    assert encoder.words.weight.std().item() == pytest.approx((2 / encoder.dim) ** 0.5, rel=0.1)


def test_words_of_levels(wines, made):
    facts, batch = wines
    encoder = made("transtab", wines).encoder
    layout, size = encoder.columns, encoder.columns.texts.shape[1]
    texts = [encoder.tokenizer.decode([t for t in row if t]) for row in layout.texts.tolist()]
    strengths = [f"Ġstrength Ġ{level}" for level in facts["columns"][11]["levels"]]
    assert [text.split() for text in texts[:5]] == [s.split() for s in [*strengths, "Ġstrength"]]
    hues = dict(zip([*facts["columns"][12]["levels"], None], texts[5:], strict=True))
    assert hues == {"yes": hues[None], "no": "", None: hues[None]}  # binary: its name or nothing
    x = batch.x[:3].clone()
    x[0, 11:15], x[1, 11:15] = torch.nan, 0.0
    words = layout.words(x)[:, :size]
    assert (words[0] == PADDING).all()  # missing
    assert torch.equal(words[1], layout.texts[4])  # a level that training rows did not have
    assert torch.equal(words[2], layout.texts[int(x[2, 11:15].argmax())])


def test_what_stood_in_a_missing_cell_cannot_matter(wines, made):
    _, batch = wines
    encoder = made("transtab", wines).encoder
    x = batch.x[:8].clone()
    x[:, 4] = torch.nan
    without = encoder(x)
    x[0, 4] = 0.0  # the mean is a value and not missing
    assert not torch.allclose(encoder(x)[0], without[0], atol=1e-4)
    torch.testing.assert_close(encoder(x)[1:], without[1:], rtol=1e-4, atol=1e-5)
    assert encoder(torch.full_like(x, torch.nan)).isfinite().all()


def test_parts_cover_the_row_and_overlap(wines, rng):
    facts, batch = wines
    fields = fields_of(facts)
    for parts, overlap, sizes in ((2, 0.1, [8, 7]), (3, 0.5, [8, 7, 7]), (2, 0.0, [7, 6])):
        view = ColumnPartitions(facts, parts=parts, overlap=overlap)
        views = view(batch.with_x(torch.ones_like(batch.x)), rng())
        there = torch.stack([one.x == 1 for one in views])  # [parts, n, F]
        assert there.any(0).all()
        assert torch.equal(there, there[:, :1].expand_as(there))  # alike for all rows
        held = [[bool(part[0][fields == field].all()) for field in range(13)] for part in there]
        assert [sum(one) for one in held] == sizes
        assert all(
            bool(part[0][fields == field].any()) == h
            for part, one in zip(there, held, strict=True)
            for field, h in enumerate(one)
        )  # fields stay whole
    chosen = {tuple((view(batch, rng(seed))[0].x[1].isnan()).tolist()) for seed in range(20)}
    assert len(chosen) > 15  # dealt anew at every step


def test_parts_find_each_other(wines, made, rng, descend):
    """A trained encoder matches the halves of a row more often than an untrained one, which sees what they share."""
    _, batch = wines
    method = made("transtab", wines, encoder={"dim": 32, "depth": 1, "heads": 4, "hidden": 32}, view={"overlap": 0.5})

    def matched():
        with torch.no_grad():
            first, second = (method.projected(part) for part in method.view(batch, rng(999)))
        return ((first @ second.T).argmax(1) == torch.arange(len(batch))).float().mean().item()

    before = matched()
    descend(method, batch, 60, lr=3e-3)
    assert matched() > 1.5 * before
