"""An encoder that was pretrained on one table reads others: every stage, the audit's re-run and the bundle."""

import json

import numpy as np
import pytest
import torch
from audit.conftest import publish
from stages.test_audit import run_stages

import diptych
from diptych import evidence, plan
from diptych.build import build
from diptych.bundles import again, pack, verify
from diptych.embedder import restore
from diptych.records import read_json, read_npz
from diptych.replay import rerun
from diptych.spec import BenchmarkError

BENCHMARK = """
name: transfer
datasets: [wine, breast_cancer]
seeds: [1]
methods:
  transtab: {pretrain_on: [wine, breast_cancer], encoder.dim: 16, encoder.depth: 1}
controls: [random]
train: {steps: 3}
probes: [knn, finetune]
rank_by: {probe: knn}
robustness: {missing_mcar: [0.3]}
"""
SMALL = BENCHMARK.replace(", finetune", "").replace("robustness: {missing_mcar: [0.3]}", "")


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    home = tmp_path_factory.mktemp("transfer")
    (home / "transfer.yaml").write_text(BENCHMARK, encoding="utf-8")
    planned = plan.load(str(home / "transfer.yaml"), str(home / "results"))
    run_stages(planned)
    return planned


@pytest.fixture(scope="module")
def cells(planned):
    """By data set and where the encoder comes from."""
    return {(c.dataset, planned.flat(c).get("pretrain_on")): c for c in planned.cells if c.method == "transtab"}


def test_each_data_set_has_its_own_encoder_and_the_others(planned, cells):
    assert set(cells) == {
        ("wine", None),
        ("wine", "breast_cancer"),
        ("breast_cancer", None),
        ("breast_cancer", "wine"),
    }
    for cell in planned.cells:
        found = evidence.read(planned, cell)
        assert (found.status, found.reason) == ("ok", "")


def test_the_encoder_is_that_of_the_other_data_set(planned, cells):
    """Bit for bit; and what it gives is what it reads in the words of the other table."""
    own, moved = (planned.files(cells[at]) for at in (("wine", None), ("breast_cancer", "wine")))
    assert own.encoder.read_bytes() == moved.encoder.read_bytes()
    assert moved.pretrain_data == own.data != moved.data
    assert len(read_npz(moved.embeddings)["backbone"]) == 569
    record, facts = read_json(own.record), read_json(own.card)["facts"]
    method = build("transtab", record["job"]["settings"], facts).eval()
    method.load_state_dict(restore(record, facts, own.encoder, "cpu").method.state_dict())
    reader = method.encoder.reading(read_json(moved.card)["facts"])
    samples = diptych.load(str(moved.run)).samples()
    with torch.no_grad():
        z = reader(torch.from_numpy(samples.x)).numpy()
    np.testing.assert_allclose(read_npz(moved.embeddings)["backbone"], z, rtol=1e-4, atol=1e-5)


def test_it_can_be_loaded_and_run_again(planned, cells, tmp_path):
    cell = cells["breast_cancer", "wine"]
    encoder = diptych.load(str(planned.files(cell).run))
    embedded = read_npz(planned.files(cell).embeddings)["backbone"]
    assert np.array_equal(encoder.embed(encoder.samples()), embedded)
    jobs = {stage: json.loads(planned.cell_job(stage, cell)) for stage in planned.cell_stages(cell)}
    made = rerun(planned, cell, jobs, tmp_path, "cpu")
    for role in ("embeddings", "predictions", "robustness_predictions", "finetune_predictions"):
        old, new = read_npz(getattr(planned.files(cell), role)), read_npz(made[role])
        assert all(np.array_equal(old[name], new[name]) for name in old | new)


def test_a_bundle_of_a_grid_holds_and_its_cells_come_back(planned, tmp_path):
    publish(planned)
    pack.write(planned, tmp_path / "transfer.zip")
    assert verify.findings(tmp_path / "transfer.zip") == []
    with again.sampled(tmp_path / "transfer.zip", 3) as sample:
        assert [repeat.verdict for repeat in sample.done] == ["identical"] * 3
        assert any(planned.flat(repeat.cell).get("pretrain_on") for repeat in sample.done)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("[wine, breast_cancer], ", "[], "), r"methods\.transtab\.pretrain_on: a list of data set names was expected"),
        (("[wine, breast_cancer], ", "hiva, "), r"methods\.transtab\.pretrain_on: .*hiva.*wine, breast_cancer"),
        (("[wine, breast_cancer], ", "[wine, wine], "), "pretrain_on: wine stands twice"),
        (("encoder.depth: 1", "encoder.name: mlp"), "pretrain_on: mlp, the encoder of transtab, reads the data it was"),
        (("[wine, breast_cancer]\n", "[wine, breast_cancer, digits]\n"), "digits"),
    ],
)
def test_what_cannot_be_is_an_error_of_the_dry_run(change, said, tmp_path):
    text = SMALL.replace(*change).replace("encoder.dim: 16, encoder.name", "encoder.name")
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BenchmarkError, match=said):
        plan.Plan(str(tmp_path / "bad.yaml"), str(tmp_path / "results"))
