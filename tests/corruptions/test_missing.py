"""Which values go missing: shares, shapes, and what must never go."""

import numpy as np
import pytest
from sklearn import datasets

from diptych.corruptions.base import load, seeded
from diptych.data.samples import GraphArrays, Samples, from_arrays, to_arrays

SHARES = (0.1, 0.2, 0.4, 0.6, 0.8)


def _samples(modality, x, **statistics):
    n = len(x.node_offsets) - 1 if isinstance(x, GraphArrays) else len(x)
    split = (np.arange(n) % 4 == 0).astype(np.uint8)
    rows = np.arange(n)
    return Samples(modality, x, rows % 2, split, rows, rows, statistics=statistics)


def _damaged(name, samples, severity, seed=0):
    return load(name)(samples, severity, seeded("a set", name, seed)).x


def _wine():
    return _samples("tabular", datasets.load_wine().data.astype(np.float32))


def _digit_series():
    x = datasets.load_digits().images[:80].reshape(80, 32, 2).astype(np.float32)
    x[::3, 25:] = np.nan
    return _samples("series", x)


def _runs(gone):
    """Number of separate stretches of True in a ring."""
    return int((gone & ~np.roll(gone, 1)).sum())


@pytest.mark.parametrize("name", ["missing_mcar", "missing_block"])
@pytest.mark.parametrize("severity", SHARES)
def test_table_share_is_exact_in_each_split_and_even_over_fields(name, severity):
    samples = _wine()
    gone = np.isnan(_damaged(name, samples, severity))  # [178, 13]
    for split in (0, 1):
        part = gone[samples.split == split]
        assert part.sum() == round(severity * part.size)
    assert np.abs(gone.mean(0) - severity).max() < 0.15  # 178 rows: sd .04
    assert np.abs(gone.mean() - severity) < 0.01


def test_mcar_does_not_look_at_anything():
    samples = _wine()
    gone = np.isnan(_damaged("missing_mcar", samples, 0.4)).astype(float)
    seen = np.corrcoef(np.concatenate([gone, samples.x, samples.label[:, None]], 1).T)[:13]
    seen = seen[~np.eye(13, 27, dtype=bool)]
    assert np.abs(seen).max() < 4.5 / np.sqrt(len(samples))
    assert np.abs(seen.mean()) < 0.02


def test_one_hot_fields_go_as_a_whole():
    x = datasets.load_wine().data.astype(np.float32)
    field = np.array([0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 6, 6, 6])
    for name in ("missing_mcar", "missing_block"):
        gone = np.isnan(_damaged(name, _samples("tabular", x, field=field), 0.3))
        for f in range(7):
            columns = gone[:, field == f]
            assert (columns.all(1) == columns.any(1)).all()
        share = np.stack([gone[:, field == f].all(1) for f in range(7)], 1).mean()
        assert share == pytest.approx(0.3, abs=0.01)


def test_missing_from_the_start_does_not_count():
    samples = _wine()
    samples.x[:100, 3] = np.nan
    gone = np.isnan(_damaged("missing_mcar", samples, 0.5)) & ~np.isnan(samples.x)
    assert gone.sum() / (~np.isnan(samples.x)).sum() == pytest.approx(0.5, abs=0.005)


def test_block_of_a_table_is_contiguous_and_rows_share_alike():
    gone = np.isnan(_damaged("missing_block", _wine(), 0.4))  # 5.2 of 13 fields
    assert set(gone.sum(1)) == {5, 6}
    assert {_runs(row) for row in gone} == {1}
    assert len(np.unique(gone, axis=0)) > 5


@pytest.mark.parametrize("severity", SHARES)
def test_series_lose_single_values_at_random_and_whole_steps_in_a_gap(severity):
    samples = _digit_series()
    observed = ~np.isnan(samples.x)
    single = np.isnan(_damaged("missing_mcar", samples, severity)) & observed
    assert single.sum() / observed.sum() == pytest.approx(severity, abs=0.001)
    assert (single[..., 0] != single[..., 1]).any()
    steps = np.isnan(_damaged("missing_block", samples, severity)) & observed
    assert np.array_equal(steps[..., 0], steps[..., 1])
    assert {_runs(row[there]) for row, there in zip(steps[..., 0], observed[..., 0], strict=True)} <= {0, 1}
    assert steps.sum() / observed.sum() == pytest.approx(severity, abs=0.01)
    lengths = observed[..., 0].sum(1)
    assert np.abs(steps[..., 0].sum(1) - severity * lengths).max() <= 1


@pytest.mark.parametrize("severity", [0.0, 0.2, 0.4, 0.333])
def test_missing_time_is_the_published_dropout(severity):
    """⌊p·n·T⌋ whole steps of each split, pooled over series: data_dropout of zhihanyue/ts2vec utils.py."""
    x = datasets.load_digits().images.reshape(-1, 32, 2).astype(np.float32)[:100]
    samples = _samples("series", x)
    gone = np.isnan(_damaged("missing_time", samples, severity))
    assert np.array_equal(gone[..., 0], gone[..., 1])
    for split in (0, 1):
        part = gone[samples.split == split][..., 0]
        assert part.sum() == int(part.size * severity)
    if severity == 0.4:
        assert len(set(gone[..., 0].sum(1))) > 3  # pooled: not the same number in every series


@pytest.mark.parametrize("name", ["missing_mcar", "missing_block", "missing_time"])
def test_padding_stays_padding_and_lengths_survive(name):
    """A series whose last steps go missing keeps its place in the array, on disk too."""
    x = np.full((3, 10, 1), np.nan, np.float32)
    x[:, :6] = 1.0
    samples = _samples("series", x)
    damaged = _damaged(name, samples, 0.9)
    assert damaged.shape == x.shape
    assert np.isnan(damaged[:, 6:]).all()
    back = from_arrays(to_arrays(samples.with_x(damaged))).x
    assert np.array_equal(back, damaged, equal_nan=True)


def test_pixels_lose_all_channels_and_blocks_are_squares():
    x = np.repeat(datasets.load_digits().images[:40, None].astype(np.float32) / 16, 3, 1)
    samples = _samples("image", x)
    for name in ("missing_mcar", "missing_block"):
        gone = np.isnan(_damaged(name, samples, 0.25))
        assert (gone.all(1) == gone.any(1)).all()
        assert gone.mean() == pytest.approx(0.25, abs=0.01)
    for image in gone[:, 0]:  # 16 of 64 pixels: a square of 3 × 3 and part of the ring around it
        assert image.sum() == 16
        shifts = [np.roll(image, (down, right), (0, 1)) for down in range(8) for right in range(8)]
        assert any(shifted[5:].sum() + shifted[:, 5:].sum() == 0 and shifted[1:4, 1:4].all() for shifted in shifts)


def _texts():
    lines = [[len(w) + 2 for w in line.split()][:20] for line in datasets.load_wine().DESCR.splitlines() if line]
    tokens = np.zeros((len(lines), 21), np.int64)
    tokens[:, 0] = 2
    for row, line in enumerate(lines):
        tokens[row, 1 : 1 + len(line)] = line
    tokens[5, 1] = 1  # unknown from the start
    return _samples("text", tokens)


@pytest.mark.parametrize("severity", SHARES)
def test_words_become_unknown_and_nothing_else_moves(severity):
    samples = _texts()
    words = samples.x > 2
    for name in ("missing_mcar", "missing_block"):
        after = _damaged(name, samples, severity)
        assert after.dtype == samples.x.dtype
        assert np.array_equal(after[~words], samples.x[~words])
        changed = after != samples.x
        assert (after[changed] == 1).all()
        assert changed.sum() / words.sum() == pytest.approx(severity, abs=0.01)
        if name == "missing_block":
            assert {_runs(row[there]) for row, there in zip(changed, words, strict=True)} <= {0, 1}


def _graphs():
    images = datasets.load_digits().images[:30]
    sizes = (images > 0).sum((1, 2))
    nodes = np.stack([images[images > 0], np.ones(sizes.sum())], 1).astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    return _samples("graph", GraphArrays(nodes, offsets, np.zeros((2, 0), np.int64), np.zeros(31, np.int64)))


def test_nodes_lose_all_attributes_and_blocks_are_neighbours():
    samples = _graphs()
    for name in ("missing_mcar", "missing_block"):
        after = _damaged(name, samples, 0.3)
        gone = np.isnan(after.nodes)
        assert (gone.all(1) == gone.any(1)).all()
        assert gone[:, 0].mean() == pytest.approx(0.3, abs=0.01)
        assert np.array_equal(after.nodes[~gone], samples.x.nodes[~gone])
        runs = [_runs(part) for part in np.split(gone[:, 0], samples.x.node_offsets[1:-1])]
        assert (max(runs) == 1) == (name == "missing_block")


def test_both_parts_of_a_pair_are_damaged_apart():
    images = datasets.load_digits().images[:20, None].astype(np.float32) / 16
    tokens = np.tile(np.arange(3, 13), (20, 1))
    rows = np.arange(20)
    samples = Samples(
        "image_text", {"image": images, "text": tokens}, rows % 2, (rows > 14).astype(np.uint8), rows, rows
    )
    after = load("missing_mcar")(samples, 0.5, seeded("pairs", "missing_mcar", 0)).x
    assert np.isnan(after["image"]).mean() == pytest.approx(0.5, abs=0.01)
    assert (after["text"] == 1).mean() == pytest.approx(0.5, abs=0.01)


def test_the_generator_depends_on_all_three_and_not_on_the_process():
    first = seeded("iris", "missing_mcar", 0).random()
    assert first == seeded("iris", "missing_mcar", 0).random() == pytest.approx(0.5248319773145096, abs=0)
    others = [seeded("wine", "missing_mcar", 0), seeded("iris", "missing_block", 0), seeded("iris", "missing_mcar", 1)]
    assert first not in [other.random() for other in others]
