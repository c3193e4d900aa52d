"""Fine-tuning on real rows: it learns, repeats itself, and never looks at the test split."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn import datasets

from diptych.batch import Batch
from diptych.build import build
from diptych.data.samples import Samples, to_arrays
from diptych.probes import finetune as probe
from diptych.probes.base import Predictions
from diptych.probes.finetune import Finetune
from diptych.records import read_json, read_npz, read_table, write_json, write_npz
from diptych.stages import finetune
from diptych.train import Diverged

JOB = {"stage": "finetune", "seed": 0, "code": "0"}
SETS = {  # modality -> its set; 200 training rows and as many test rows
    "tabular": (datasets.load_breast_cancer, {"name": "mlp", "dim": 64}, [30], 2),
    "image": (datasets.load_digits, {"name": "conv", "dim": 32}, [1, 8, 8], 10),
}


def _samples(modality):
    load, _, shape, _ = SETS[modality]
    x, label = load(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(label))[:400]
    x = (x - x.mean(0)) / x.std(0) if modality == "tabular" else x / 16
    x = x[rows].astype(np.float32).reshape(-1, *shape)
    return Samples(modality, x, label[rows], (np.arange(400) % 2).astype(np.uint8), rows, rows)


def _facts(modality):
    facts = {"modality": modality, "shape": SETS[modality][2], "classes": SETS[modality][3], "n_train": 200}
    return facts | {"statistics": {"mean": [0.3], "sd": [0.37]}, "fields": list(range(SETS[modality][2][0]))}


@pytest.fixture
def prepare(tmp_path):
    """prepare(modality, method) -> the files of a cell whose encoder has its initial weights."""

    def make(modality="tabular", method="random", **changes):
        settings = {"encoder": SETS[modality][1], "view": {"name": "identity"}, "method": {}}
        torch.manual_seed(0)
        built = build(method, settings, _facts(modality))
        samples = replace(_samples(modality), **changes)
        train = torch.from_numpy(samples.x[samples.split == 0])
        built.calibrate(Batch(train, torch.arange(len(train)), torch.arange(len(train))), torch.Generator())
        save_file({k: v.contiguous() for k, v in built.state_dict().items()}, tmp_path / "encoder.safetensors")
        write_npz(tmp_path / "data.npz", to_arrays(samples))
        write_json(tmp_path / "card.json", {"facts": _facts(modality)})
        job = {"method": method, "settings": settings}
        write_json(tmp_path / "pretrain.json", {"status": "ok", "reason": "", "job": job})
        write_json(tmp_path / "embed.json", {"status": "ok", "reason": "", "embeddings": ["backbone"]})
        inputs = {name: tmp_path / f"{name}.json" for name in ("card", "pretrain", "embed")}
        inputs |= {"data": tmp_path / "data.npz", "encoder": tmp_path / "encoder.safetensors"}
        made = {"scores": "scores.parquet", "predictions": "predictions.npz", "record": "finetune.json"}
        return inputs | {name: tmp_path / file for name, file in made.items()}

    return make


def _run(files):
    finetune.run(JOB, **files, device="cpu")
    return read_table(files["scores"]), read_npz(files["predictions"]), read_json(files["record"])


def _scores(files):
    return _run(files)[1]["backbone|finetune|clean|0"]


@pytest.mark.parametrize(("modality", "least"), [("tabular", 0.9), ("image", 0.85)])
def test_an_untrained_encoder_learns_and_keeps_its_file(prepare, modality, least):
    files = prepare(modality)
    weights = files["encoder"].read_bytes()
    table, predictions, record = _run(files)
    value = table.set_index("metric")["value"]
    assert value["balanced_accuracy"] > least  # chance is 1/2 and 1/10
    assert np.isfinite(value).all()
    assert not table.duplicated(["embedding", "probe", "corruption", "severity", "metric"]).any()
    assert set(predictions) == {"label", "id", "backbone|finetune|clean|0"}
    tuned = record["fits"]["backbone|finetune|clean|0"]["tuned"]
    assert tuned["lr"] in (1e-4, 3e-4, 1e-3)
    assert 1 <= tuned["epochs"] <= 50
    assert files["encoder"].read_bytes() == weights


def test_nothing_is_dropped_and_norms_are_of_the_batch():
    attention = torch.nn.TransformerEncoderLayer(8, 2, 16, 0.5, batch_first=True)
    network = torch.nn.Sequential(torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), attention)
    probe._training(network)
    x = torch.randn(6, 8)
    first, second = network(x), network(x)
    assert torch.equal(first, second)
    assert network[0].num_batches_tracked == 2


@pytest.fixture
def short(monkeypatch):
    """A budget of few epochs for tests that do not ask how good the encoder gets."""
    monkeypatch.setitem(Finetune.__init__.__kwdefaults__, "epochs", 3)


@pytest.mark.parametrize("modality", list(SETS))
def test_same_seed_same_bytes(prepare, modality, short):
    files = prepare(modality)
    _run(files)
    first = files["scores"].read_bytes(), files["predictions"].read_bytes()
    torch.rand(3)
    _run(files)
    assert (files["scores"].read_bytes(), files["predictions"].read_bytes()) == first


def test_test_rows_have_no_influence(prepare, short):
    """Neither their labels nor their content: a row is predicted alike, whatever the others are."""
    samples = _samples("image")
    first = _scores(prepare("image"))
    test = samples.split == 1
    label, x = samples.label.copy(), samples.x.copy()
    label[test] = (label[test] + 1) % 10
    x[np.flatnonzero(test)[10:]] = 0
    second = _scores(prepare("image", label=label, x=x))
    np.testing.assert_allclose(second[:10], first[:10], atol=1e-6)
    assert not np.allclose(second[10:], first[10:], atol=1e-2)
    assert np.array_equal(_scores(prepare("image", label=label)), first)


def test_training_labels_decide(prepare):
    samples = _samples("tabular")
    train = samples.split == 0
    label = samples.label.copy()
    label[train] = 1 - label[train]
    files = prepare(label=label)
    assert _run(files)[0].set_index("metric")["value"]["accuracy"] < 0.1


@pytest.mark.parametrize("method", ["raw", "pca"])
def test_without_an_encoder_there_is_a_reason_and_no_value(prepare, method):
    table, predictions, record = _run(prepare(method=method))
    assert table["value"].isna().all()
    assert set(table["reason"]) == {"nothing to fine-tune: no parameter shapes the embedding"}
    assert {"accuracy", "auroc", "log_loss"} <= set(table["metric"])
    assert set(predictions) == {"label", "id"}
    assert record["status"] == "ok"


def test_a_failed_cell_passes_its_reason_on(prepare):
    files = prepare()
    write_json(files["embed"], {"status": "collapsed", "reason": "rank 1", "embeddings": []})
    table, predictions, record = _run(files)
    assert len(table) == 0
    assert predictions == {}
    assert (record["status"], record["reason"]) == ("collapsed", "rank 1")


def test_scores_that_are_not_finite_are_a_diverged_cell(prepare, monkeypatch):
    broken = Predictions(np.full((200, 2), np.nan, np.float32), True)
    monkeypatch.setattr(Finetune, "predict", lambda *_, **__: broken)
    with pytest.raises(Diverged, match="not finite"):
        _run(prepare())


def test_whole_groups_are_held_out(prepare, monkeypatch):
    found = []
    plain = probe.folds
    monkeypatch.setattr(probe, "folds", lambda *a, **k: found.append(plain(*a, **k)) or found[-1])
    groups = np.arange(400) // 16
    _run(prepare(group=groups))
    train = groups[_samples("tabular").split == 0]
    fit, held_out = found[0][0]
    assert not set(train[fit]) & set(train[held_out])
    assert len(held_out) == pytest.approx(40, abs=10)


def _network(rows=60):
    """An untrained table encoder with labelled rows and test rows."""
    samples = _samples("tabular")
    torch.manual_seed(0)
    settings = {"encoder": SETS["tabular"][1], "view": {"name": "identity"}, "method": {}}
    method = build("random", settings, _facts("tabular")).eval()
    x, y, index = torch.from_numpy(samples.x), torch.from_numpy(samples.label), torch.arange(rows)
    return method, Batch(x[:rows], index, index, y[:rows]), Batch(x[rows : 2 * rows], index, index)


def test_large_sets_have_fewer_epochs(monkeypatch):
    method, rows, test = _network()
    seen = []
    plain = Batch.take
    monkeypatch.setattr(Batch, "take", lambda batch, part: seen.append(len(part)) or plain(batch, part))
    found = Finetune(seen=240, rates=(1e-3,)).predict(method, rows, test, None, classes=2, seed=0)
    assert found.tuned["epochs"] <= 4
    assert Finetune(seen=1, rates=(1e-3,)).predict(method, rows, test, None, classes=2, seed=0).tuned["epochs"] == 1


def test_weights_and_order_of_rates_do_not_matter_afterwards():
    method, rows, test = _network()
    before = {name: tensor.clone() for name, tensor in method.state_dict().items()}
    first = Finetune(rates=(1e-3, 1e-4), epochs=5).predict(method, rows, test, None, classes=2, seed=3)
    second = Finetune(rates=(1e-4, 1e-3), epochs=5).predict(method, rows, test, None, classes=2, seed=3)
    assert first.tuned == second.tuned
    assert np.array_equal(first.scores, second.scores)
    assert all(torch.equal(tensor, before[name]) for name, tensor in method.state_dict().items())
    assert not method.training


def test_a_rate_that_diverges_is_not_chosen():
    method, rows, test = _network()
    found = Finetune(rates=(1e-3, 1e30), epochs=3).predict(method, rows, test, None, classes=2, seed=0)
    assert found.tuned["lr"] == 1e-3
    assert np.isfinite(found.scores).all()


def test_few_and_equal_labels():
    method, rows, test = _network()
    one = replace(rows, label=torch.ones_like(rows.label))
    found = Finetune(epochs=3).predict(method, one, test, None, classes=3, seed=0)
    assert (found.scores == [0, 1, 0]).all()
    assert found.flags == ("no_folds",)
    two = torch.stack([(rows.label == c).nonzero()[0, 0] for c in (0, 1)])
    found = Finetune(epochs=3).predict(method, rows.take(two), test, None, classes=3, seed=0)
    assert found.flags == ("no_folds",)
    assert not (found.scores.argmax(1) == 2).any()


def test_running_statistics_begin_as_those_of_the_data():
    """Those of an untrained encoder are 0 and 1: what it gives would be judged by them until they have moved."""
    settings = {"encoder": {"name": "fcn", "dim": 16}, "view": {"name": "identity"}, "method": {}}
    facts = {"modality": "series", "shape": [24, 1], "classes": 2, "n_train": 64}
    rows = torch.arange(64)
    batch = Batch(
        5 + 3 * torch.randn(64, 24, 1, generator=torch.Generator().manual_seed(0)), rows, rows, label=rows % 2
    )
    method = build("random", settings, facts).eval()
    start = Finetune()._start(method, batch, 2, 0).method
    with torch.no_grad():
        judged, seen = (start.train(mode).embed(batch)["backbone"] for mode in (False, True))
        before = method.embed(batch)["backbone"]
    torch.testing.assert_close(judged, seen, rtol=0.05, atol=0.02)
    assert (before - seen).abs().mean() > 10 * (judged - seen).abs().mean()
    assert all(norm.momentum == 0.1 for norm in start.modules() if isinstance(norm, torch.nn.BatchNorm1d))
