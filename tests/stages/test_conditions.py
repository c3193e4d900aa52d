"""Cells pretrained on damaged data and probed on undamaged ones, and imputed cells: every stage on real data."""

import json
from pathlib import Path

import numpy as np
import pytest
from stages.test_audit import run_stages

import diptych
from diptych import evidence, plan
from diptych.corruptions.base import load as corruption
from diptych.corruptions.base import seeded
from diptych.data.samples import from_arrays
from diptych.embedder import restore
from diptych.imputers.base import filled, gaps
from diptych.records import read_json, read_npz, read_table
from diptych.replay import rerun
from diptych.stages import prepare, robustness

BENCHMARK = """
name: conditions
datasets: [wine]
seeds: [1]
methods: {scarf: {encoder.dim: 16}}
controls: []
train: {steps: 3}
probes: [knn]
rank_by: {probe: knn}
pretrain_corruption: {missing_mcar: [0, 0.4]}
pretrain_corruption_at: [both, pretraining]
impute: [none, mean]
robustness: {missing_mcar: [0, 0.3]}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The plan, all of whose stages have been run, and its cells by condition and imputer."""
    home = tmp_path_factory.mktemp("conditions")
    (home / "conditions.yaml").write_text(BENCHMARK, encoding="utf-8")
    planned = plan.load(str(home / "conditions.yaml"), str(home / "results"))
    run_stages(planned)
    return planned, {(c.condition, planned.flat(c)["impute"]): c for c in planned.cells}


ONLY, BOTH = "missing_mcar-0.4@pretraining", "missing_mcar-0.4"


def _samples(file):
    return from_arrays(read_npz(file))


def test_every_cell_ends_well(done):
    planned, cells = done
    assert set(cells) == {(c, i) for c in ("", BOTH, ONLY) for i in ("none", "mean")}
    for cell in cells.values():
        found = evidence.read(planned, cell)
        assert (found.status, found.reason) == ("ok", "")


def test_pretraining_only_trains_on_damage_and_probes_without(done):
    planned, cells = done
    files = {where: planned.files(cells[where, "none"]) for where in ("", BOTH, ONLY)}
    trained, probed = _samples(files[ONLY].pretrain_data), _samples(files[ONLY].data)
    assert np.isnan(trained.x[trained.split == 0]).mean() == pytest.approx(0.4, abs=0.01)
    assert not np.isnan(probed.x).any()
    assert np.array_equal(trained.id, probed.id)
    assert np.array_equal(trained.split, probed.split)
    # the encoder is that of the cell which is damaged throughout, bit for bit
    assert files[ONLY].encoder.read_bytes() == files[BOTH].encoder.read_bytes() != files[""].encoder.read_bytes()
    read = {where: read_npz(f.embeddings)["backbone"] for where, f in files.items()}
    assert not np.array_equal(read[ONLY], read[BOTH])
    record, facts = read_json(files[ONLY].record), read_json(files[""].card)["facts"]
    clean = restore(record, facts, files[BOTH].encoder, "cpu").embed(_samples(files[""].data))["backbone"]
    assert np.array_equal(read[ONLY], clean)


def test_the_winner_can_be_loaded_with_what_it_was_probed_on(done):
    planned, cells = done
    for cell in cells.values():
        encoder = diptych.load(str(planned.files(cell).run))
        samples, probed = encoder.samples(), _samples(planned.files(cell).data)
        assert np.array_equal(samples.x, probed.x, equal_nan=True)
        assert np.array_equal(encoder.embed(samples), read_npz(planned.files(cell).embeddings)["backbone"])


def test_an_audit_runs_such_cells_again(done, tmp_path):
    planned, cells = done
    cell = cells[ONLY, "mean"]
    jobs = {stage: json.loads(planned.cell_job(stage, cell)) for stage in planned.cell_stages(cell)}
    made = rerun(planned, cell, jobs, tmp_path, "cpu")
    for role in ("embeddings", "predictions", "robustness_predictions"):
        old, new = read_npz(getattr(planned.files(cell), role)), read_npz(made[role])
        assert all(np.array_equal(old[name], new[name]) for name in old | new)


def test_imputed_data_are_the_damaged_data_filled(done):
    planned, cells = done
    raw, imputed = (planned.files(cells[BOTH, name]) for name in ("none", "mean"))
    before, after = _samples(raw.data), _samples(imputed.data)
    assert np.array_equal(filled(before, "mean").x, after.x)
    said = read_json(imputed.card)["facts"]["imputation"]
    train = before.split == 0
    assert said == {
        "imputer": "mean",
        "filled": {"train": gaps(before)[train].sum(), "test": gaps(before)[~train].sum()},
    }
    assert "imputation" not in read_json(raw.card)["facts"]
    assert imputed.pretrain_data == imputed.data
    assert imputed.robustness_data == raw.data


def test_severity_zero_equals_the_clean_score_of_the_imputed_data(done):
    planned, cells = done
    for cell in cells.values():
        files = planned.files(cell)
        clean, zero = read_table(files.scores), read_table(files.robustness)
        clean = clean[(clean["probe"] == "knn") & (clean["corruption"] == "clean")].set_index("metric")["value"]
        zero = zero[zero["severity"] == 0].set_index("metric")["value"]
        assert zero.sort_index().equals(clean[zero.index].sort_index())


def test_robustness_damages_alike_and_then_imputes(done, monkeypatch):
    planned, cells = done
    seen = {}
    for name in ("none", "mean"):
        cell, found = cells[BOTH, name], []
        wrapped = robustness._restored

        def spy(*args, found=found, wrapped=wrapped, **kwargs):
            restored = wrapped(*args, **kwargs)
            plain = restored.embed
            object.__setattr__(restored, "embed", lambda s: found.append(s) or plain(s))
            return restored

        monkeypatch.setattr(robustness, "_restored", spy)
        files = planned.files(cell)
        job = json.loads(planned.cell_job("robustness", cell))
        given = {"data": files.robustness_data, "card": files.robustness_card, "encoder": files.encoder}
        given |= {"pretrain": files.record, "embed": files.embed, "device": "cpu"}
        made = {"scores": files.robustness, "predictions": files.robustness_predictions}
        robustness.run(job, **given, **made, record=files.robustness_record)
        monkeypatch.undo()
        seen[name] = found
    assert len(seen["none"]) == len(seen["mean"]) == 2
    for plain, imputed in zip(seen["none"], seen["mean"], strict=True):
        assert not np.isnan(imputed.x).any()
        assert np.array_equal(filled(plain, "mean").x, imputed.x)


def test_a_mask_in_test_never_changes_the_training_rows(done):
    """Damage to test rows only: the imputed training rows, which train encoder and probes, keep their values."""
    planned, cells = done
    before = _samples(planned.files(cells[BOTH, "none"]).data)
    worse = corruption("missing_mcar")(before, 0.8, seeded("wine", "missing_mcar", 7)).x
    train = before.split == 0
    damaged = before.with_x(np.where(train[:, None], before.x, worse))
    for name in ("mean", "iterative"):
        plain, other = filled(before, name).x, filled(damaged, name).x
        np.testing.assert_allclose(plain[train], other[train], atol=1e-6)
        assert not np.allclose(plain[~train], other[~train])


def test_too_wide_for_an_imputer_is_a_reason_and_no_stop(done, tmp_path, monkeypatch):
    planned, cells = done
    monkeypatch.setattr("diptych.imputers.iterative.COLUMNS", 5)
    cell = cells[BOTH, "mean"]
    job = json.loads(planned.job("prepare", dataset="wine", variant=planned.variant(cell))) | {"impute": "iterative"}
    source = Path(planned.root) / "data" / "wine" / "source.json"
    prepare.run(job, source=source, data=tmp_path / "data.npz", card=tmp_path / "card.json")
    said = read_json(tmp_path / "card.json")
    assert said["status"] == "skipped"
    assert "at most 5 columns" in said["reason"]
    assert not len(_samples(tmp_path / "data.npz"))
