"""Every corruption that is found, on small real data of each modality it damages."""

from functools import cache

import numpy as np
import pytest
from sklearn import datasets

from diptych import catalog
from diptych.corruptions.base import Corruption, load, seeded
from diptych.data.card import MODALITIES
from diptych.data.samples import HIDDEN, GraphArrays, Samples, from_arrays, to_arrays

N = 60
FOUND = catalog.components("corruptions")
CASES = [(name, modality) for name, c in FOUND.items() for modality in c.attributes["modalities"]]


@cache
def _digits():
    return datasets.load_digits()


def _content(modality):
    digits = _digits().images[:N].astype(np.float32) / 16
    if modality == "image":
        return np.repeat(digits[:, None], 3, 1)
    if modality == "series":  # every third one ends early, one value is missing from the start
        x = digits.reshape(N, 32, 2).copy()
        x[::3, 25:] = np.nan
        x[1, 4, 0] = np.nan
        return x
    if modality == "tabular":
        return datasets.load_wine().data[:N].astype(np.float32)
    if modality == "text":  # the lines of a description as word lengths
        words = [[len(w) + 3 for w in line.split()] for line in _digits().DESCR.splitlines() if line][:N]
        words += words[: N - len(words)]
        return np.array([[2, *line[:11]] + [0] * (11 - len(line[:11])) for line in words], np.int64)
    if modality == "graph":  # pixels with ink, joined to the next one
        sizes = (digits > 0).sum((1, 2))
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        edges = np.concatenate([np.stack([np.arange(s - 1), np.arange(1, s)]) for s in sizes], 1)
        nodes = np.stack([digits[digits > 0], np.ones(sizes.sum())], 1).astype(np.float32)
        return GraphArrays(nodes, offsets, edges, np.concatenate([[0], np.cumsum(sizes - 1)]))
    return {"image": _content("image"), "text": _content("text")}


def _samples(modality):
    label = _digits().target[:N] % 3
    split = (np.arange(N) % 3 == 0).astype(np.uint8)
    statistics = {"field": np.array([0, 1, 2, 2, 2, 3, 4, 5, 6, 7, 7, 8, 9])} if modality == "tabular" else {}
    return Samples(modality, _content(modality), label, split, np.arange(N), np.arange(N), statistics=statistics)


def _equal(a, b):
    a, b = to_arrays(a), to_arrays(b)
    return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)


def _same(a, b):
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _changed(before, after):
    """Which numbers of the content (or labels) differ: flat booleans."""
    if isinstance(before.x, dict):
        parts = [(before.x[name], after.x[name]) for name in before.x]
    elif isinstance(before.x, GraphArrays):
        parts = [(before.x.nodes, after.x.nodes)]
    else:
        parts = [(before.x, after.x)]
    parts.append((before.label, after.label))
    return np.concatenate([((a != b) & ~((a != a) & (b != b))).ravel() for a, b in parts])


@pytest.fixture(params=CASES, ids="-".join)
def case(request):
    name, modality = request.param
    return load(name), _samples(modality), name


def _damaged(case, severity, seed=0):
    corruption, samples, name = case
    return corruption(samples, severity, seeded("digits", name, seed))


@pytest.mark.parametrize("name", sorted(FOUND))
def test_declares_itself(name):
    corruption, parsed = load(name), FOUND[name]
    assert isinstance(corruption, Corruption)
    assert parsed.summary == type(corruption).__doc__.splitlines()[0]
    assert parsed.attributes["target"] == corruption.target
    assert parsed.attributes["modalities"] == corruption.modalities
    assert set(corruption.modalities) <= set(MODALITIES)
    assert corruption.bounds[0] == 0


def test_severity_zero_changes_nothing(case):
    assert _equal(_damaged(case, 0.0), case[1])


def test_the_original_is_left_alone(case):
    damaged = _damaged(case, 0.4)
    assert _equal(case[1], _samples(case[1].modality))
    assert _changed(case[1], damaged).any()


def test_damage_grows_with_severity(case):
    """What is gone at one severity is gone, in the same way, at every higher one."""
    levels = [_damaged(case, s) for s in (0.0, 0.1, 0.2, 0.4)]
    for smaller, larger in zip(levels, levels[1:], strict=False):
        before, after = _changed(case[1], smaller), _changed(case[1], larger)
        assert before.sum() < after.sum()
        assert not (before & ~after).any()
        assert _same(_values(smaller)[before], _values(larger)[before])


def _values(samples):
    content = samples.x.values() if isinstance(samples.x, dict) else [samples.x]
    arrays = [c.nodes if isinstance(c, GraphArrays) else c for c in content]
    return np.concatenate([a.ravel().astype(float) for a in (*arrays, samples.label)])


def test_only_its_target_changes(case):
    corruption, samples, _ = case
    damaged = to_arrays(_damaged(case, 0.4))
    kept = {"split", "key", "id", "modality", "stat_field", "edges", "edge_offsets", "node_offsets"}
    kept |= {"label"} if corruption.target == "input" else set(to_arrays(samples)) - {"label"}
    for name, array in to_arrays(samples).items():
        assert name not in kept or _same(array, damaged[name])
    test = samples.split == 1
    assert np.array_equal(samples.label[test], _damaged(case, 0.4).label[test])
    assert set(damaged["label"]) <= {HIDDEN, *samples.label}


def test_same_draw_same_damage_other_seed_other_damage(case):
    assert _equal(_damaged(case, 0.4), _damaged(case, 0.4))
    assert not _equal(_damaged(case, 0.4), _damaged(case, 0.4, seed=1))


def test_survives_the_file(case):
    damaged = _damaged(case, 0.45)
    assert _equal(from_arrays(to_arrays(damaged)), damaged)
    back = from_arrays(to_arrays(damaged))
    if isinstance(damaged.x, np.ndarray):
        assert back.x.shape == damaged.x.shape
        assert _same(back.x, damaged.x)


def test_damages_what_is_damaged_already(case):
    corruption, _, name = case
    once = _damaged(case, 0.3)
    twice = corruption(once, 0.3, seeded("digits", name, 1))
    assert _changed(once, twice).any()


def test_refuses_other_severities(case):
    for severity in (-0.1, case[0].bounds[1] + 0.001, 1.0, float("nan")):
        with pytest.raises(ValueError, match="severity .* is outside"):
            _damaged(case, severity)


@pytest.mark.parametrize("name", [n for n, c in FOUND.items() if len(c.attributes["modalities"]) < len(MODALITIES)])
def test_refuses_other_modalities(name):
    other = next(m for m in MODALITIES if m not in FOUND[name].attributes["modalities"])
    with pytest.raises(ValueError, match=f"cannot damage {other} data; it damages"):
        load(name)(_samples(other), 0.2, np.random.default_rng(0))
