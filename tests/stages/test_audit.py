"""The audit passes an untouched benchmark of real stages, and finds every kind of damage to it."""

import importlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from diptych import aggregate, audits, plan, track
from diptych.aggregate import Tracked
from diptych.audits import repeat
from diptych.records import read_json, read_npz, read_table, write_json, write_npz
from diptych.replay import INPUTS, ON_DEVICE, OUTPUTS
from diptych.stages import audit as stage
from diptych.stages import report
from diptych.store import Store, grouped

BENCHMARK = """
name: audited
datasets: [digits]
methods: {simclr: {}}
controls: [raw]
rows: 40
train: {epochs: 1}
probes: [knn, svm, finetune]
robustness: {missing_mcar: [0.4]}
rank_by: {probe: knn}
"""


def run_stages(planned):
    """Every job of a plan in this process, as the workflow would order them."""
    for dataset in planned.cards:
        source = planned.root / "data" / dataset / "source.json"
        job = json.loads(planned.job("download", dataset=dataset))
        importlib.import_module("diptych.stages.download").run(job, source=source)
        for _, variant in (v for v in planned.variants if v[0] == dataset):
            files = planned.root / "data" / dataset / variant
            job = json.loads(planned.job("prepare", dataset=dataset, variant=variant))
            made = {"data": files / "data.npz", "card": files / "card.json"}
            importlib.import_module("diptych.stages.prepare").run(job, source=source, **made)
    for cell in planned.cells:
        for name in planned.cell_stages(cell):
            paths = {k: getattr(planned.files(cell), r) for k, r in (INPUTS[name] | OUTPUTS[name]).items()}
            for path in paths.values():
                path.parent.mkdir(parents=True, exist_ok=True)
            extra = {"device": "cpu"} if name in ON_DEVICE else {}
            run = importlib.import_module(f"diptych.stages.{name}").run
            run(json.loads(planned.cell_job(name, cell)), **paths, **extra)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A tracked and aggregated benchmark of two cells."""
    home = tmp_path_factory.mktemp("audited")
    (home / "audited.yaml").write_text(BENCHMARK, encoding="utf-8")
    planned = plan.load(str(home / "audited.yaml"), str(home / "results"))
    run_stages(planned)
    track.sync(planned)
    aggregate.write(planned, "", planned.root / "boards" / planned.name)
    report.run(benchmark=planned.benchmark.as_posix(), root=planned.root.as_posix(), uri="", marker=None)
    return planned


@pytest.fixture
def damaged(finished, tmp_path):
    """A benchmark to damage; its files, the open store among them, are put back in place afterwards."""
    shutil.copytree(finished.root, tmp_path / "kept")
    yield finished
    shutil.copytree(tmp_path / "kept", finished.root, dirs_exist_ok=True)


def audited(planned, rerun=0):
    """The errors: one seed of one epoch is warned of."""
    return audits.errors(audits.run(planned.benchmark.as_posix(), planned.root.as_posix(), "", rerun))


def kinds(found):
    return {finding.check for finding in found}


def cell_of(planned, method):
    return next(cell for cell in planned.cells if cell.method == method)


def test_an_untouched_benchmark_passes_with_every_cell_run_again(finished, capsys):
    code = stage.run(
        benchmark=finished.benchmark.as_posix(), root=finished.root.as_posix(), uri="", marker=None, rerun=2
    )
    assert code == 0
    assert "audit: 0 errors and " in capsys.readouterr().out
    folder = finished.root / "boards" / "audited"
    written = json.loads((folder / "audit.json").read_text())
    assert written["errors"] == 0
    assert sorted(written["rerun"]) == sorted(cell.path for cell in finished.cells)
    assert "0 errors" in (folder / "audit.txt").read_text()


def test_one_cell_is_drawn_by_the_digest_of_the_plan(finished):
    assert repeat.chosen(finished, 1) == repeat.chosen(finished, 1)
    assert len(repeat.chosen(finished, 99)) == len(finished.cells)


@pytest.mark.parametrize("role", ["encoder", "embeddings", "data", "robustness_predictions", "finetune_predictions"])
def test_a_flipped_byte_is_found(damaged, role):
    cell = cell_of(damaged, "simclr")
    path = getattr(damaged.files(cell), role)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    found = [f for f in audited(damaged) if f.check == "ledger"]
    assert path.relative_to(damaged.root).as_posix() in {f.file for f in found}
    assert all(f.expected != f.found for f in found)


def test_a_changed_score_is_found_many_times_over(damaged):
    cell = cell_of(damaged, "simclr")
    path = damaged.files(cell).scores
    scores = read_table(path)
    scores.loc[0, "value"] += 0.05
    scores.to_parquet(path, index=False)
    found = audited(damaged)
    assert kinds(found) == {"ledger", "made", "mlflow", "scores", "metrics", "board"}
    assert {f.cell for f in found} == {cell.path}
    (recomputed,) = [f for f in found if f.check == "scores"]
    assert str(scores.loc[0, "metric"]) in recomputed.file
    assert recomputed.found == str(scores.loc[0, "value"])


def test_what_has_nothing_to_fine_tune_has_a_reason_in_the_table(finished):
    results = read_table(finished.root / "boards" / "audited" / "results.parquet")
    tuned = results[results["probe"] == "finetune"].set_index("method")
    assert tuned.loc["raw", "value"].isna().all()
    assert set(tuned.loc["raw", "reason"]) == {"nothing to fine-tune: no parameter shapes the embedding"}
    assert tuned.loc["simclr", "value"].notna().all()
    run = Tracked.of(finished, "").runs[cell_of(finished, "simclr")]
    accuracy = tuned[tuned["metric"] == "accuracy"].loc["simclr", "value"]
    assert run.data.metrics["finetune/accuracy"] == accuracy


def test_changed_fine_tuned_predictions_no_longer_give_the_scores(damaged):
    path = damaged.files(cell_of(damaged, "simclr")).finetune_predictions
    arrays = read_npz(path)
    write_npz(path, {name: array for name, array in arrays.items() if name in ("label", "id")})
    found = audited(damaged)
    assert {f.file.partition(":")[2].split()[1] for f in found if f.check == "scores"} == {"finetune"}


def test_changed_predictions_no_longer_give_the_scores(damaged):
    path = damaged.files(cell_of(damaged, "raw")).predictions
    arrays = read_npz(path)
    arrays["label"] = np.roll(arrays["label"], 1)
    write_npz(path, arrays)
    assert "scores" in kinds(audited(damaged))


def test_an_edited_mlflow_metric_is_found(damaged):
    from mlflow.entities import Metric

    cell = cell_of(damaged, "raw")
    store = Store.existing("", damaged.root, damaged.name)
    (run,) = grouped(store.runs(), "diptych.cell")[cell.path]
    store.client.log_batch(run.info.run_id, metrics=[Metric("knn/accuracy", 1.0, 9_999_999_999_999, 1)])
    (found,) = audited(damaged)
    assert (found.check, found.cell, found.file) == ("mlflow", cell.path, "knn/accuracy")
    assert found.found == "1.0 (MLflow)"


def test_a_deleted_run_is_found(damaged):
    store = Store.existing("", damaged.root, damaged.name)
    cell = cell_of(damaged, "raw")
    store.client.delete_run(grouped(store.runs(), "diptych.cell")[cell.path][0].info.run_id)
    (found,) = audited(damaged)
    assert (found.check, found.cell, found.found) == ("mlflow", cell.path, "0 runs")


@pytest.mark.parametrize("role", ["scores", "record", "predictions"])
def test_a_deleted_file_is_found(damaged, role):
    path = getattr(damaged.files(cell_of(damaged, "raw")), role)
    path.unlink()
    found = audited(damaged)
    missing = [f for f in found if f.found == "no such file"]
    assert [f.file for f in missing] == [path.relative_to(damaged.root).as_posix()]


def test_a_missing_row_of_the_board_is_found(damaged):
    path = damaged.root / "boards" / "audited" / "results.parquet"
    cell = cell_of(damaged, "raw")
    table = read_table(path)
    table[table["cell"] != cell.path].to_parquet(path, index=False)
    found = [f for f in audited(damaged) if f.found == "none"]
    assert [(f.check, f.cell) for f in found] == [("board", cell.path)]


def test_a_record_of_another_job_is_found(damaged):
    path = damaged.files(cell_of(damaged, "simclr")).record
    record = read_json(path)
    record["job"]["settings"]["method"]["temperature"] = 0.123
    write_json(path, record)
    assert "jobs" in kinds(audited(damaged))


@pytest.mark.parametrize("what", ["temperature", "seed"])
def test_running_again_finds_a_changed_setting(damaged, what, monkeypatch):
    """Forged consistently through files, digests and MLflow: only doing the work again can tell."""
    cell = cell_of(damaged, "simclr")
    path = damaged.files(cell).record
    record = read_json(path)
    if what == "seed":
        record["job"]["seed"] = 5
    else:
        record["job"]["settings"]["method"]["temperature"] = 5.0
    write_json(path, record)
    track.sync(damaged)
    aggregate.write(damaged, "", damaged.root / "boards" / damaged.name)
    monkeypatch.setattr(repeat, "chosen", lambda *_: [cell])
    found = [f for f in audited(damaged, rerun=1) if f.check == "rerun"]
    assert "embeddings.npz" in {f.file for f in found}


def test_a_job_that_cannot_run_again_is_a_finding(damaged, monkeypatch):
    cell = cell_of(damaged, "simclr")
    damaged.files(cell).data.unlink()
    monkeypatch.setattr(repeat, "chosen", lambda *_: [cell])
    (found,) = [f for f in audited(damaged, rerun=1) if f.check == "rerun"]
    assert "data.npz" in found.found


def test_a_finding_makes_the_exit_code_one(damaged, capsys):
    damaged.files(cell_of(damaged, "raw")).history.unlink()
    code = stage.run(
        benchmark=damaged.benchmark.as_posix(), root=damaged.root.as_posix(), uri="", marker=Path("unused"), rerun=0
    )
    assert code == 1
    said = capsys.readouterr().out
    assert "history.parquet" in said
    assert "no such file" in said
    assert not Path("unused").exists()
