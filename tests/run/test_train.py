"""The one training loop, on real data: determinism, budgets, early stopping, divergence, collapse."""

import json
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import datasets

from diptych import train as loop
from diptych.batch import Batch
from diptych.build import build
from diptych.catalog import components
from diptych.data.samples import fingerprint, from_arrays
from diptych.parts.method import Recipe
from diptych.plan import Plan
from diptych.records import read_json, read_npz, read_table
from diptych.stages import download, embed, prepare, pretrain

TEXT = "name: m\ndatasets: [wine]\nmethods: {{scarf: {{{}}}}}\ncontrols: [raw]\ntrain: {{epochs: 3}}\n"


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    """Prepared wine."""
    folder = tmp_path_factory.mktemp("wine")
    file = folder / "m.yaml"
    file.write_text(TEXT.format("train.patience: 0"), encoding="utf-8")
    plan = Plan(str(file), str(folder / "results"))
    cell = plan.cells[0]
    files = plan.files(cell)
    source = plan.root / "data" / "wine" / "source.json"
    download.run(json.loads(plan.job("download", dataset="wine")), source=source)
    variant = plan.variant(cell)
    prepare.run(
        json.loads(plan.job("prepare", dataset="wine", variant=variant)),
        source=source,
        data=files.data,
        card=files.card,
    )
    return folder, files


@pytest.fixture(scope="module")
def wine_rows():
    """Facts and the labelled rows of wine, standardised."""
    x, y = datasets.load_wine(return_X_y=True)
    x, rows = torch.from_numpy(((x - x.mean(0)) / x.std(0)).astype("float32")), torch.arange(len(x))
    facts = {"modality": "tabular", "shape": [13], "classes": 3, "n_train": len(x), "fields": list(range(13))}
    return facts, Batch(x, rows, rows, torch.from_numpy(y))


def _pretrain(wine, tmp_path, axes="train.patience: 0", name="a"):
    folder, files = wine
    file = tmp_path / f"{name}.yaml"
    file.write_text(TEXT.format(axes), encoding="utf-8")
    plan = Plan(str(file), str(tmp_path / name))
    made = plan.files(plan.cells[0])
    made.run.mkdir(parents=True)
    pretrain.run(
        json.loads(plan.cell_job("pretrain", plan.cells[0])),
        data=files.data, card=files.card, encoder=made.encoder, record=made.record, history=made.history, device="cpu",
    )  # fmt: skip
    return plan, made


def _embed(wine, plan, made):
    _, files = wine
    embed.run(
        json.loads(plan.cell_job("embed", plan.cells[0])),
        data=files.data, card=files.card, encoder=made.encoder, pretrain=made.record,
        embeddings=made.embeddings, record=made.embed, device="cpu",
    )  # fmt: skip
    return read_npz(made.embeddings)


def test_same_seed_same_bits(wine, tmp_path):
    first = _embed(wine, *_pretrain(wine, tmp_path, name="a"))
    second = _embed(wine, *_pretrain(wine, tmp_path, name="b"))
    assert {k: fingerprint(v) for k, v in first.items()} == {k: fingerprint(v) for k, v in second.items()}


def test_record_and_history_say_what_happened(wine, tmp_path):
    _, made = _pretrain(wine, tmp_path)
    record, history = read_json(made.record), read_table(made.history)
    assert record["status"] == "ok"
    assert record["steps"] == len(history) == 3
    assert record["final_loss"] == history["loss"].iloc[-1]
    assert record["samples"] == 3 * 128
    assert record["parameters"] > 0
    assert record["seconds"] > 0
    assert record["memory_mb"] > 50
    assert record["data"]["x"] == read_json(wine[1].card)["fingerprints"]["x"]


def test_budgets_are_epochs_steps_or_samples(wine, tmp_path):
    steps = {"train.steps: 7": 7, "train.samples: 1280": 10, "train.epochs: 2, train.batch_size: 32": 8}
    for number, (axis, wanted) in enumerate(steps.items()):
        _, made = _pretrain(wine, tmp_path, f"train.patience: 0, {axis}", str(number))
        assert read_json(made.record)["steps"] == wanted


def test_early_stopping_stops(wine, tmp_path):
    axes = "train.epochs: 500, train.patience: 2, train.lr: 0.1, train.validation: 0.2"
    _, made = _pretrain(wine, tmp_path, axes)
    record = read_json(made.record)
    assert record["stopped_early"]
    assert record["steps"] < 500


def test_a_huge_rate_diverges(wine, tmp_path):
    with pytest.raises(loop.Diverged, match="the loss became"):
        _pretrain(wine, tmp_path, "train.patience: 0, train.lr: 1e30, train.steps: 20")


def test_a_constant_encoder_is_collapsed(wine, tmp_path, monkeypatch):
    plan, made = _pretrain(wine, tmp_path)
    from diptych.embedder import Restored

    monkeypatch.setattr(Restored, "embed", lambda self, samples: {"backbone": np.ones((len(samples), 8), np.float32)})
    with pytest.raises(embed.Collapsed, match="effective rank"):
        _embed(wine, plan, made)


def test_an_encoder_that_was_as_narrow_before_training_is_not_collapsed(wine):
    rng, samples = np.random.default_rng(0), from_arrays(read_npz(wine[1].data))
    z, narrower = (np.ones(16) + noise * rng.normal(size=(len(samples), 16)) for noise in (8e-3, 4e-3))
    embed.check_collapse(z, samples.split, lambda: narrower)
    with pytest.raises(embed.Collapsed, match="embeddings 0.00.*untrained 0.00"):
        embed.check_collapse(narrower, samples.split, lambda: z)


@pytest.mark.parametrize(
    ("noise", "spokes", "alignment", "message"),
    [
        (1e-3, 1, 0.0, "projections 0.00"),  # one point
        (0.05, 2, 0.02, "in 1 directions, views agree to 0.99"),  # one line, and nothing can bring others back
        (0.05, 2, 1.5, ""),  # one line, but the views do not agree yet: an early stage of training
        (0.05, 2, np.nan, ""),  # no pairs of views to ask
        (1.0, 2, 0.02, ""),
    ],
)
def test_collapsed_projections(wine, noise, spokes, alignment, message):
    rng, samples = np.random.default_rng(0), from_arrays(read_npz(wine[1].data))
    sign = np.where(np.arange(len(samples)) % spokes, -1, 1)[:, None]
    z = sign * np.ones((1, 16)) + noise * rng.normal(size=(len(samples), 16))
    with pytest.raises(embed.Collapsed, match=message) if message else nullcontext():
        embed._check_projection(z, alignment, samples)


def test_blank_outputs_are_valid_and_passed_on(wine, tmp_path):
    plan, made = _pretrain(wine, tmp_path)
    job = json.loads(plan.cell_job("pretrain", plan.cells[0]))
    pretrain.blank(
        job, status="diverged", reason="why", traceback="trace",
        encoder=made.encoder, record=made.record, history=made.history,
    )  # fmt: skip
    from safetensors.torch import load_file

    assert load_file(made.encoder) == {}
    assert list(read_table(made.history).columns) == ["step", "epoch", "loss"]
    assert _embed(wine, plan, made) == {}
    assert read_json(made.embed)["status"] == "diverged"


def test_the_loops_own_generator_draws_every_batch():
    batches = loop._Batches(10, 4, torch.Generator().manual_seed(0))
    epoch = [(batches.next(), batches.epoch, batches.last) for _ in range(4)]
    assert [number for _, number, _ in epoch] == [0, 0, 1, 1]
    assert [last for _, _, last in epoch] == [False, True, False, True]
    assert len(set(torch.cat([epoch[0][0], epoch[1][0]]).tolist())) == 8


def test_load_gives_the_winning_encoder(wine, tmp_path):
    import diptych
    from diptych.data.samples import from_arrays

    folder, files = wine
    plan, made = _pretrain(wine, tmp_path)
    job = read_json(made.record)["job"]
    data = tmp_path / "a" / "data" / "wine" / job["variant"]
    data.mkdir(parents=True)
    for file in (files.data, files.card):
        (data / file.name).write_bytes(file.read_bytes())
    encoder = diptych.load(str(made.run))
    samples = encoder.samples()
    z = encoder.embed(samples)
    assert z.shape == (178, 256)
    assert np.array_equal(encoder.embed(from_arrays(read_npz(files.data)).x), z)
    with pytest.raises(FileNotFoundError, match="no finished cell"):
        diptych.load("wine/nothing/00000000/0")


def test_rows_of_a_class_enter_a_batch_together():
    label = torch.arange(60) % 6  # ten rows of each class
    label[:2] = torch.tensor([7, 8])  # but two rows are alone
    batches = loop._Batches(60, 12, torch.Generator().manual_seed(0), classes=(label, 4))
    epoch = [batches.next() for _ in range(5)]
    assert sorted(torch.cat(epoch).tolist()) == list(range(60))
    for rows in epoch[:4]:  # 48 of the 52 rows in whole groups; what is left comes last
        assert (label[rows].view(3, 4) == label[rows].view(3, 4)[:, :1]).all()
    assert {7, 8} <= set(label[epoch[4]].tolist())
    assert not torch.equal(torch.cat(epoch), torch.cat([batches.next() for _ in range(5)]))


def test_groups_of_a_batch_are_of_different_classes():
    label = torch.arange(4000) % 10
    batches = loop._Batches(4000, 256, torch.Generator().manual_seed(0), classes=(label, 64))
    seen = [label[batches.next()].bincount(minlength=10) for _ in range(2 * 15)]
    assert all(sorted(counts.tolist()) == [0] * 6 + [64] * 4 for counts in seen)
    assert len({tuple(counts.tolist()) for counts in seen}) > 5, "not always the same classes"


def test_a_rare_class_is_spread_over_the_epoch():
    label = (torch.arange(1000) % 10 == 0).long()  # nine tenths, one tenth
    batches = loop._Batches(1000, 100, torch.Generator().manual_seed(0), classes=(label, 2))
    assert all(8 <= int(label[batches.next()].sum()) <= 12 for _ in range(10))


@pytest.mark.parametrize(("name", "sees"), [("scarf", False), ("npair", True)])
def test_labels_that_shape_batches_stay_hidden(name, sees, wine_rows, monkeypatch):
    facts, rows = wine_rows
    view = {"name": components("methods")[name].attributes["modalities"]["tabular"]}
    method = build(name, {"method": {}, "view": view, "encoder": {"name": "mlp"}}, facts)
    method.calibrate(loop.visible(rows, method), torch.Generator())
    seen, plain = [], method.loss

    def loss(batch, rng):
        seen.append(batch)
        return plain(batch, rng)

    monkeypatch.setattr(method, "loss", loss)
    recipe = Recipe(epochs=2, batch_size=32, per_class=16, validation=0.2, patience=5)
    loop.train(method, rows, recipe, torch.Generator().manual_seed(0))
    assert {batch.label is not None for batch in seen} == {sees}
    shaped = [rows.label[batch.index].bincount(minlength=3) for batch in seen if len(batch) == 32]
    assert sum(sorted(counts.tolist()) == [0, 16, 16] for counts in shaped) >= len(shaped) / 2


def test_labels_that_shape_batches_are_needed(wine_rows):
    facts, rows = wine_rows
    method = build(
        "scarf", {"method": {}, "view": {"name": "two_field_corruptions"}, "encoder": {"name": "mlp"}}, facts
    )
    with pytest.raises(ValueError, match="the batch has no labels"):
        loop.train(method, replace(rows, label=None), Recipe(steps=1, per_class=2), torch.Generator())


def test_batches_shaped_by_labels_through_the_stage(wine, tmp_path):
    _, made = _pretrain(wine, tmp_path, "train.batch_size: 32, train.per_class: 16")
    assert read_json(made.record)["status"] == "ok"
    assert read_json(made.record)["job"]["settings"]["recipe"]["per_class"] == 16


def test_a_class_for_every_row_is_refused():
    batches = loop._Batches(9, 3, torch.Generator(), classes=(torch.arange(9), 2))
    with pytest.raises(ValueError, match="each of the 9 rows has a class of its own"):
        batches.next()
