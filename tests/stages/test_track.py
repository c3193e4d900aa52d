"""Tracking, and reading back: what MLflow holds is what the files say, once, and never half."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from boards.world import World

from diptych import aggregate, evidence, plan, store, track
from diptych.records import ContractError, read_table, write_json
from diptych.stages import aggregate as aggregate_stage
from diptych.stages import track as track_stage
from diptych.store import Store, grouped


def world(root, **other):
    about = {
        "modalities": {"ecg200": "series"},
        "grids": {"ts2vec": [{}], "raw": [{}]},
        "skills": {"ts2vec": 1.5, "raw": 1.0, "simclr": 1.0},
        "seeds": (0,),
    }
    broken = {"ecg200/raw": ("probe", "failed", "ValueError: no")}
    return World(root=root / "results", **about | {"broken": broken} | other)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Two cells, one of them failed, tracked once."""
    made = world(tmp_path_factory.mktemp("tracked"), robustness={"missing_mcar": [0.2]}).write()
    assert track.sync(made) == {"added": 2, "replaced": 0, "kept": 0}
    return made


@pytest.fixture
def changing(tiny, tmp_path):
    """A copy of the tracked benchmark, its store included, that a test may change."""
    shutil.copytree(tiny.root, tmp_path / "results")
    made = replace(tiny, root=tmp_path / "results")
    track.sync(made)
    return made


def opened(made, uri=""):
    return Store.existing(uri, made.root, made.name)


def cell_runs(made, uri=""):
    return {cell: runs for cell, runs in grouped(opened(made, uri).runs(), "diptych.cell").items()}


def only(made, method, uri=""):
    (cell,) = [cell for cell in made.cells if cell.method == method]
    (run,) = cell_runs(made, uri)[cell.path]
    return cell, run


def test_one_experiment_with_parents_and_a_run_per_cell(tiny):
    runs = opened(tiny).runs()
    parents = grouped(runs, "diptych.parent")
    assert set(parents) == {"ecg200/ts2vec", "ecg200/raw"}
    cells = cell_runs(tiny)
    assert set(cells) == {cell.path for cell in tiny.cells}
    for cell in tiny.cells:
        (run,) = cells[cell.path]
        assert run.data.tags["mlflow.parentRunId"] == parents[f"ecg200/{cell.method}"][0].info.run_id
    assert {run.info.status for run in runs} == {"FINISHED", "FAILED"}


def test_a_run_carries_parameters_tags_data_set_and_artifacts(tiny, tmp_path):
    cell, run = only(tiny, "ts2vec")
    assert run.data.params == {name: str(value) for name, value in tiny.flat(cell).items()}
    expected = {
        "status": "ok",
        "role": "self-supervised",
        "modality": "series",
        "dirty": "false",
        "embedding": "backbone",
    }
    assert expected.items() <= {n.removeprefix("diptych."): v for n, v in run.data.tags.items()}.items()
    for name in ("key", "content", "code", "data", "commit"):
        assert len(run.data.tags[f"diptych.{name}"]) >= 16
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, len(used.dataset.digest)) == ("ecg200", 32)
    assert used.tags[0].key == "mlflow.data.context"
    client = opened(tiny).client
    assert {a.path for a in client.list_artifacts(run.info.run_id)} >= {"scores.parquet", "card.json", "config.json"}
    scores = read_table(opened(tiny).artifact(run, "scores.parquet", str(tmp_path)))
    assert scores.equals(evidence.read(tiny, cell).scores)
    config = json.loads(opened(tiny).artifact(run, "config.json", str(tmp_path)).read_text())
    assert config["settings"] == tiny.settings(cell)
    assert config["commands"]["pretrain"].startswith("diptych pretrain '{")


def test_metrics_have_the_promised_names_and_the_files_values(tiny):
    cell, run = only(tiny, "ts2vec")
    files = tiny.files(cell)
    clean = read_table(files.scores).query("probe == 'linear' and metric == 'accuracy' and corruption == 'clean'")
    by_embedding = dict(zip(clean["embedding"], clean["value"], strict=True))
    assert run.data.metrics["linear/accuracy"] == by_embedding["backbone"]
    assert run.data.metrics["projector/linear/accuracy"] == by_embedding["projector"]
    harder = read_table(files.robustness).query("metric == 'accuracy'")["value"].item()
    assert run.data.metrics["missing_mcar-0.2/linear/accuracy"] == harder
    assert {"permuted/linear/auroc", "health/effective_rank", "cost/seconds", "loss"} <= run.data.metrics.keys()
    assert "svm/log_loss" not in run.data.metrics  # undefined: no number is better than a wrong one


def test_the_loss_is_a_thinned_curve_with_both_ends(tiny):
    cell, run = only(tiny, "ts2vec")
    curve = opened(tiny).client.get_metric_history(run.info.run_id, "loss")
    history = read_table(tiny.files(cell).history)
    assert len(history) == 700
    assert len(curve) == evidence.LOSS_POINTS
    steps = sorted((point.step, point.value) for point in curve)
    for end, row in ((steps[0], history.iloc[0]), (steps[-1], history.iloc[-1])):
        assert end == (row["step"], row["loss"])


def test_a_failed_cell_ends_failed_with_its_reason(tiny):
    _, run = only(tiny, "raw")
    assert run.info.status == "FAILED"
    assert run.data.tags["diptych.status"] == "failed"
    assert run.data.tags["diptych.reason"] == "ValueError: no"
    assert run.data.tags["diptych.stage"] == "probe"
    assert run.data.tags["diptych.traceback"].endswith("probe.traceback.txt")


def test_tracking_again_adds_nothing(tiny):
    before = {run.info.run_id for run in opened(tiny).runs()}
    assert track.sync(tiny) == {"added": 0, "replaced": 0, "kept": 2}
    assert {run.info.run_id for run in opened(tiny).runs()} == before


def test_a_changed_cell_replaces_its_run_and_no_other(changing):
    kept, (cell, old) = only(changing, "raw"), only(changing, "ts2vec")
    changing.write_cell(cell, lift=1.0)
    assert track.sync(changing) == {"added": 0, "replaced": 1, "kept": 1}
    _, new = only(changing, "ts2vec")
    assert new.info.run_id != old.info.run_id
    assert new.data.metrics["linear/accuracy"] > old.data.metrics["linear/accuracy"]
    assert only(changing, "raw")[1].info.run_id == kept[1].info.run_id


def test_another_way_of_tracking_writes_every_run_again(changing, monkeypatch):
    monkeypatch.setattr(evidence, "FORMAT", evidence.FORMAT + 1)
    assert track.sync(changing)["replaced"] == 2


def test_an_interrupted_tracking_is_repaired(changing, monkeypatch):
    cell, _ = only(changing, "ts2vec")
    changing.write_cell(cell, lift=1.0)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(track, "_dataset_input", stop)
    with pytest.raises(KeyboardInterrupt):
        track.sync(changing)
    assert {run.info.status for run in cell_runs(changing)[cell.path]} == {"RUNNING", "FINISHED"}
    with pytest.raises(aggregate.Mismatch, match=f"{cell.path}: MLflow has 2 runs"):
        aggregate.Tracked.of(changing, "")
    monkeypatch.undo()
    assert track.sync(changing) == {"added": 0, "replaced": 1, "kept": 1}
    assert {run.info.status for run in opened(changing).runs()} == {"FINISHED", "FAILED"}


def test_runs_left_running_by_a_plan_that_is_no_more_are_ended(changing):
    at = opened(changing)
    for tag in ("diptych.cell", "diptych.parent"):
        at.client.create_run(at.experiment, tags={tag: "gone/from/the/plan"})
    track.sync(changing)
    gone = [run.info.status for run in opened(changing).runs() if "gone" in str(run.data.tags)]
    assert sorted(gone) == ["FINISHED", "KILLED"]


@pytest.mark.parametrize("role", ["record", "scores", "encoder", "robustness_record"])
def test_a_missing_file_is_an_error_that_names_cell_and_file(changing, role):
    cell, _ = only(changing, "ts2vec")
    getattr(changing.files(cell), role).unlink()
    with pytest.raises(ContractError, match=cell.path) as error:
        track.sync(changing)
    assert getattr(changing.files(cell), role).name in str(error.value)


def test_a_broken_record_is_an_error_that_names_the_file(changing):
    cell, _ = only(changing, "ts2vec")
    changing.files(cell).embed.write_text("{", encoding="utf-8")
    with pytest.raises(ContractError, match=r"embed\.json"):
        track.sync(changing)


def test_a_score_that_stands_twice_is_an_error(changing):
    cell, _ = only(changing, "ts2vec")
    scores = read_table(changing.files(cell).scores)
    pd.concat([scores, scores.tail(1)]).to_parquet(changing.files(cell).scores, index=False)
    with pytest.raises(ContractError, match="scored twice"):
        track.sync(changing)


def test_two_machines_track_into_one_store(changing, tmp_path):
    uri = f"sqlite:///{(changing.root / 'mlflow.db').as_posix()}"
    first = {run.info.run_id for run in opened(changing).runs()}
    other = world(tmp_path / "elsewhere", seeds=(7,), broken={}).write()  # other seeds of the same benchmark
    third = world(tmp_path / "third", grids={"simclr": [{}]}, broken={}, name="another").write()
    assert track.sync(other, uri)["added"] == 2
    assert track.sync(third, uri)["added"] == 1
    assert first < {run.info.run_id for run in opened(changing).runs()}
    for made in (changing, other, third):
        assert track.sync(made, uri)["kept"] == len(made.cells)
        table = aggregate.write(made, uri, made.root / "boards" / made.name)
        assert set(table["cell"]) == {cell.path for cell in made.cells}
    assert not (other.root / "mlflow.db").exists()


def test_moved_results_are_tracked_anew_beside_the_moved_store(changing):
    location = opened(changing).client.get_experiment(opened(changing).experiment).artifact_location
    assert location == (changing.root / "mlartifacts").resolve().as_uri()
    aggregate.write(changing, "", changing.root / "boards" / changing.name)


def test_aggregate_fails_on_an_edited_metric_and_names_everything(changing, monkeypatch, capsys):
    from mlflow.entities import Metric

    cell, run = only(changing, "ts2vec")
    told = run.data.metrics["linear/accuracy"]
    opened(changing).client.log_batch(run.info.run_id, metrics=[Metric("linear/accuracy", 0.999, 9_999_999_999_999, 1)])
    monkeypatch.setattr(plan, "load", lambda *_: changing)
    with pytest.raises(ValueError, match=cell.path) as error:
        aggregate_stage.run(benchmark="any", root="any", uri="", marker=None)
    for expected in ("linear/accuracy", "0.999", str(told)):
        assert expected in str(error.value)


def test_aggregate_fails_when_files_changed_after_tracking(changing):
    cell, _ = only(changing, "ts2vec")
    changing.write_cell(cell, lift=1.0)
    with pytest.raises(aggregate.Mismatch, match="content"):
        aggregate.write(changing, "", changing.root / "boards")


def test_aggregate_fails_on_an_exchanged_score_table(changing):
    cell, run = only(changing, "ts2vec")
    table = changing.root / "mlartifacts" / run.info.run_id / "artifacts" / "scores.parquet"
    read_table(table).assign(value=0.5).to_parquet(table, index=False)
    with pytest.raises(aggregate.Mismatch, match=f"{cell.path}: score table"):
        aggregate.write(changing, "", changing.root / "boards")


def test_aggregate_without_a_store_or_experiment_says_what_to_do(tmp_path, tiny):
    for made in (world(tmp_path), replace(tiny, name="unknown")):
        with pytest.raises(ContractError, match="diptych track"):
            aggregate.Tracked.of(made, "")
    assert not (tmp_path / "results" / "mlflow.db").exists()


def test_a_cell_that_is_not_tracked_is_named(changing):
    more = replace(changing, seeds=(0, 1))
    with pytest.raises(aggregate.Mismatch, match=f"{more.cells[1].path}: MLflow has 0 runs"):
        aggregate.Tracked.of(more, "")


def test_the_stage_notes_what_it_did(changing, monkeypatch, capsys):
    monkeypatch.setattr(plan, "load", lambda *_: changing)
    marker = changing.root / "marker.json"
    assert track_stage.run(benchmark="any", root=changing.root.as_posix(), uri="", marker=marker) == 0
    assert json.loads(marker.read_text())["kept"] == 2
    assert "2 cells" in capsys.readouterr().out


def test_mlflow_reports_to_nobody_and_warns_of_nothing(tiny):
    check = (
        "from diptych.store import connect; client = connect('sqlite:///mlflow.db');"
        "from mlflow.telemetry.client import get_telemetry_client; from mlflow.telemetry.utils import *;"
        "assert is_telemetry_disabled() and get_telemetry_client() is None;"
        "print(len(client.search_experiments()))"
    )
    bare = {"PATH": os.environ["PATH"], "HOME": str(tiny.root), "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-W", "error", "-c", check]
    done = subprocess.run(words, cwd=tiny.root, env=bare, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip(), done.stderr) == ("2", "")


def test_artifacts_of_a_server_are_its_own_and_others_lie_beside_the_store(tmp_path):
    assert store._artifacts("http://127.0.0.1:5000", tmp_path) is None
    assert store._artifacts("sqlite:////data/mlflow.db", tmp_path) == "file:///data/mlartifacts"
    assert store._artifacts("postgresql://db", tmp_path) == (tmp_path / "mlartifacts").resolve().as_uri()


def test_status_comes_from_the_first_stage_that_failed(changing):
    cell, _ = only(changing, "ts2vec")
    for path in (changing.files(cell).embed, changing.files(cell).probe):
        record = json.loads(path.read_text()) | {"status": "timeout", "reason": f"in {path.stem}"}
        write_json(path, record)
    found = evidence.read(changing, cell)
    assert (found.stage, found.status, found.reason) == ("embed", "timeout", "in embed")
