"""The robustness stage on real arrays, with raw features in place of a trained encoder."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import datasets

from diptych import catalog, embedder
from diptych.data.samples import Samples, to_arrays
from diptych.probes import svm
from diptych.records import read_json, read_npz, read_table, write_json, write_npz
from diptych.stages import probe, robustness

DAMAGE = {"missing_mcar": [0.0, 0.2, 0.4], "missing_block": [0.4], "label_noise_symmetric": [0.0, 0.2, 0.4]}
JOB = {"stage": "robustness", "dataset": "wine", "probes": ["knn", "svm"], "seed": 0, "code": "0"}
JOB |= {"robustness": DAMAGE}


def _samples():
    x, label = datasets.load_wine(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(label))
    split = (np.arange(len(label)) % 3 == 0).astype(np.uint8)
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)[rows]
    return Samples("tabular", x, label[rows], split, rows, rows)


@pytest.fixture
def seen(monkeypatch):
    """Samples that were embedded, in order; missing values become the mean, 0."""
    embedded = []

    def embed(samples):
        embedded.append(samples)
        return {"backbone": np.nan_to_num(samples.x), "projector": np.zeros((len(samples), 2), np.float32)}

    monkeypatch.setattr(embedder, "restore", lambda job, facts, encoder, device: SimpleNamespace(embed=embed))
    return embedded


@pytest.fixture
def files(tmp_path):
    write_npz(tmp_path / "data.npz", to_arrays(_samples()))
    write_json(tmp_path / "card.json", {"facts": {"classes": 3, "modality": "tabular"}})
    write_json(tmp_path / "pretrain.json", {"status": "ok", "reason": "", "job": {"method": "raw", "settings": {}}})
    write_json(tmp_path / "embed.json", {"status": "ok", "reason": ""})
    inputs = {"data": "data.npz", "card": "card.json", "encoder": "encoder.safetensors", "pretrain": "pretrain.json"}
    inputs |= {"embed": "embed.json"}
    outputs = {"scores": "robustness.parquet", "predictions": "predictions.npz", "record": "robustness.json"}
    return {name: tmp_path / file for name, file in (inputs | outputs).items()}


def _run(files, **job):
    robustness.run(JOB | job, **files, device="cpu")
    return read_table(files["scores"]), read_npz(files["predictions"]), read_json(files["record"])


def test_one_row_per_corruption_severity_probe_and_metric(files, seen):
    table, predictions, record = _run(files)
    levels = {(c, s) for c, severities in DAMAGE.items() for s in severities}
    assert set(zip(table["corruption"], table["severity"], strict=True)) == levels
    assert not table.duplicated(["embedding", "probe", "corruption", "severity", "metric"]).any()
    assert set(table["embedding"]) == {"backbone"}
    assert len(predictions) == 2 * len(levels) + 2
    assert set(record["fits"]) == set(predictions) - {"label", "id"}
    assert record["status"] == "ok"


def test_severity_zero_equals_the_clean_score(files, seen, tmp_path):
    probes = sorted(catalog.components("probes").keys() - {catalog.FINE_TUNED})
    table, _, _ = _run(files, probes=probes, robustness={"missing_mcar": [0.0], "label_noise_class": [0.0]})
    samples = _samples()
    rows = {"split": samples.split, "label": samples.label, "id": samples.id, "key": samples.key}
    write_npz(tmp_path / "embeddings.npz", {"backbone": samples.x} | rows)
    embed = tmp_path / "embedded.json"
    write_json(embed, {"status": "ok", "reason": "", "embeddings": ["backbone"], "health": {}, "health_rows": 0})
    made = {"scores": tmp_path / "scores.parquet", "predictions": tmp_path / "p.npz", "record": tmp_path / "probe.json"}
    given = {"card": files["card"], "embeddings": tmp_path / "embeddings.npz", "embed": embed}
    probe.run({"stage": "probe", "probes": probes, "seed": 0}, **given, **made)
    clean = read_table(made["scores"]).query("corruption == 'clean'").set_index(["probe", "metric"])["value"]
    for corruption in ("missing_mcar", "label_noise_class"):
        zero = table[table["corruption"] == corruption].set_index(["probe", "metric"])["value"]
        assert zero.sort_index().equals(clean.sort_index())


def test_damage_hurts(files, seen):
    table, _, _ = _run(files, robustness={"missing_mcar": [0.0, 0.6], "label_noise_symmetric": [0.0, 0.6]})
    accuracy = table.query("metric == 'balanced_accuracy' and probe == 'knn'").set_index(["corruption", "severity"])[
        "value"
    ]
    for corruption in ("missing_mcar", "label_noise_symmetric"):
        assert accuracy[corruption, 0.6] < accuracy[corruption, 0.0] - 0.02


def test_both_splits_lose_inputs_and_no_test_label_changes(files, seen):
    _, predictions, _ = _run(files, robustness={"missing_mcar": [0.4], "label_noise_symmetric": [0.4]})
    clean, damaged = seen
    assert not np.isnan(clean.x).any()
    for split in (0, 1):
        assert np.isnan(damaged.x[damaged.split == split]).mean() == pytest.approx(0.4, abs=0.01)
    assert np.array_equal(damaged.label, clean.label)
    assert np.array_equal(predictions["label"], clean.label[clean.split == 1])


def test_label_noise_shares_one_embedding_and_one_distance_matrix(files, seen, monkeypatch):
    calls = []
    plain = svm._squared
    monkeypatch.setattr(svm, "_squared", lambda a, b: calls.append(1) or plain(a, b))
    _run(files, robustness={"label_noise_symmetric": [0.1, 0.2, 0.3, 0.4], "label_noise_class": [0.1, 0.4]})
    assert len(seen) == 1
    assert len(calls) == 2  # train with train, test with train


def test_hidden_labels_shrink_what_probes_are_fitted_on(files, seen):
    probes = sorted({*catalog.components("probes")} - {catalog.FINE_TUNED})
    table, predictions, record = _run(files, probes=probes, robustness={"few_labels": [0.5, 0.99]})
    assert len(seen) == 1
    assert (np.unique(predictions["label"]) == [0, 1, 2]).all()
    assert table[table["metric"] == "balanced_accuracy"]["value"].notna().all()
    fits = record["fits"]
    for kind in probes:
        assert predictions[f"backbone|{kind}|few_labels|0.99"].shape == (60, 3)
        few, half = (fits[f"backbone|{kind}|few_labels|{s}"] for s in ("0.99", "0.5"))
        assert (half["realised"], few["realised"]) == (0.5, pytest.approx(115 / 118))  # one row of each class is kept
        assert "few_labels_0.99_is_0.975" in few["flags"]
        assert not any("few_labels" in flag for flag in half["flags"])
    found = table[table["metric"] == "balanced_accuracy"].set_index(["probe", "severity"])["value"]
    assert found["linear", 0.5] > 0.9
    assert 0.5 < found["linear", 0.99] < found["linear", 0.5]


def test_the_realised_share_of_wrong_labels_is_kept(files, seen):
    _, _, record = _run(files, robustness={"missing_mcar": [0.2], "label_noise_symmetric": [0.2]})
    assert record["fits"]["backbone|knn|label_noise_symmetric|0.2"]["realised"] == round(0.2 * 118) / 118
    assert "realised" not in record["fits"]["backbone|knn|missing_mcar|0.2"]


def test_every_method_meets_the_same_masks(files, seen):
    _run(files)
    first = [samples.x for samples in seen]
    seen.clear()
    write_json(files["pretrain"], {"status": "ok", "reason": "", "job": {"method": "pca", "settings": {}}})
    _run(files)
    assert all(np.array_equal(a, b.x, equal_nan=True) for a, b in zip(first, seen, strict=True))


def test_nothing_asked_is_an_empty_table(files, seen):
    table, predictions, record = _run(files, robustness={})
    assert len(table) == 0
    assert set(predictions) == {"label", "id"}
    assert record["status"] == "ok"
    assert seen == []


def test_a_failed_cell_passes_its_reason_on(files, seen):
    write_json(files["embed"], {"status": "timeout", "reason": "stopped after 5 minutes"})
    table, predictions, record = _run(files)
    assert len(table) == 0
    assert predictions == {}
    assert (record["status"], record["reason"]) == ("timeout", "stopped after 5 minutes")


def test_an_encoder_that_fails_on_missing_values_fails_loudly(files, monkeypatch):
    broken = SimpleNamespace(embed=lambda samples: {"backbone": samples.x})
    monkeypatch.setattr(embedder, "restore", lambda *_: broken)
    with pytest.raises(ValueError, match="NaN or infinite"):
        _run(files)
