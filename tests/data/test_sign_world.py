"""The synthetic set: made without a file, the same everywhere, left alone by standardisation, as hard as it says."""

import hashlib
import socket

import numpy as np
import pytest
from sourced import card_with

from diptych.data.sign_world import CARD, KEPT, read
from diptych.data.sources import Unreachable, fetch, restore
from diptych.probes.linear import Linear
from diptych.records import read_json, read_npz
from diptych.stages import download, prepare


@pytest.fixture(scope="module")
def raw():
    return read({})


def test_stages_make_it_without_a_file_or_a_network(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a synthetic set needs no network"))
    source, data, card = (tmp_path / name for name in ("source.json", "data.npz", "card.json"))
    job = {"stage": "prepare", "dataset": "sign_world", "own": None, "seed": 5, "rows": None, "corruption": None}
    download.run(job, source=source)
    prepare.run(job, source=source, data=data, card=card)
    made, known = read_json(source), read_json(card)
    assert (made["status"], made["files"], made["synthetic"]) == ("ok", [], True)
    assert (known["status"], known["card"]["synthetic"]) == ("ok", True)
    x = read_npz(data)["x"]
    assert x.shape == (5000, 100)
    assert np.unique(x).tolist() == [-1, 1]  # exactly: every column has mean 0 and deviation 1
    assert not cache.exists()


def test_only_a_synthetic_set_needs_no_source():
    assert fetch(card_with(synthetic=True)) == []
    assert restore(card_with(synthetic=True), {"files": []}) == {}
    with pytest.raises(Unreachable):
        fetch(card_with())


def test_it_is_the_same_everywhere(raw):
    bits = np.packbits(raw.x.to_numpy() > 0).tobytes() + np.packbits(raw.label == "1").tobytes()
    assert hashlib.sha256(bits).hexdigest()[:16] == "07a4447a1f42bab4"
    assert raw.x.equals(read({}).x)


def test_signs_are_balanced_and_independent(raw):
    for rows in (~raw.test, raw.test):
        x = raw.x.to_numpy()[rows]
        assert not x.sum(0).any()  # exactly balanced
        correlation = np.corrcoef(x.T)[~np.eye(100, dtype=bool)]
        assert correlation.std() == pytest.approx(rows.sum() ** -0.5, rel=0.05)  # that of independent columns
        assert (raw.label[rows] == "1").mean() == pytest.approx(0.5, abs=0.02)
    assert len(np.unique(raw.x.to_numpy(), axis=0)) == len(raw)


@pytest.mark.parametrize(("columns", "least", "most"), [(slice(KEPT), 0.99, 1), (slice(KEPT, None), 0.44, 0.56)])
def test_the_class_is_linear_in_the_first_columns_and_unknown_to_the_others(raw, columns, least, most):
    x, y = raw.x.to_numpy()[:, columns], (raw.label == "1").astype(int)
    probe = Linear()
    prepared = probe.prepare(x[~raw.test], x[raw.test])
    scores = probe.predict(prepared, y[~raw.test], None, len(CARD.classes), 0).scores
    assert least <= (scores.argmax(1) == y[raw.test]).mean() <= most
