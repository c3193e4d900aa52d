"""Every forgery and accident is found, and its finding names the right check, cell and file."""

import json
from dataclasses import fields

import pytest

from audit import forgeries, forgeries_of_data
from audit.conftest import audited
from audit.tampering import Forgery
from diptych.audits import errors, integrity
from diptych.plan import CellFiles
from diptych.stages import audit as stage

MODULES = (forgeries, forgeries_of_data)
FORGERIES = {name: made for module in MODULES for name, made in vars(module).items() if isinstance(made, Forgery)}
WARNINGS = ("environment", "dropped")  # what may have an honest reason
DOUBTS = ("training_rows_among_the_test_rows", "training_rows_with_a_little_noise")
TRUE = {"seeds", "controls", "range"}  # two seeds of one epoch each: warned of, and rightly


TOUCHED = {  # every file of a cell -> a forgery of it that is found although ledger, MLflow and board were made anew
    "record": "another_setting_in_a_record",
    "history": "a_smoother_history",
    "encoder": "a_truncated_encoder",
    "embeddings": "embeddings_with_noise",
    "embed": "a_healthier_record_with_its_score",
    "scores": "a_healthier_score",
    "predictions": "labels_permuted_twice",
    "probe": "a_neighbourhood_chosen_elsewhere",
    "robustness": "an_undamaged_score_that_is_not_the_clean_one",
    "robustness_predictions": "damaged_predictions_of_another_method",
    "robustness_record": "a_neighbourhood_of_damaged_rows_chosen_elsewhere",
    "finetune": "a_score_after_fine_tuning",
    "finetune_predictions": "fine_tuned_predictions_in_another_order",
    "finetune_record": "a_rate_that_fine_tuning_does_not_try",
    "data": "other_data",
    "card": "more_training_rows_on_the_card",
}
SAME_CHECKS = {"pretrain_data", "pretrain_card", "robustness_data", "robustness_card"}  # variants of data and card


def test_every_file_of_a_cell_has_a_forgery():
    roles = {field.name for field in fields(CellFiles)} - {"run"}
    assert roles == TOUCHED.keys() | SAME_CHECKS
    assert set(TOUCHED.values()) <= FORGERIES.keys()


def test_an_untouched_benchmark_passes(finished, capsys):
    paths = {"benchmark": finished.benchmark.as_posix(), "root": finished.root.as_posix()}
    code = stage.run(**paths, uri="", marker=None, rerun=0)
    said = capsys.readouterr().out
    assert code == 0, said
    written = json.loads((finished.root / "boards" / "forged" / "audit.json").read_text())
    assert written["errors"] == 0
    assert {finding["check"] for finding in written["findings"]} <= TRUE
    assert f"audit: 0 errors and {written['warnings']} warning" in said
    assert [t["findings"] for t in written["leakage"]] == [0] * 8


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_found(forged, name):
    forgery = FORGERIES[name]
    forgery.do(forged)
    found = audited(forged)
    right = [f for f in found if f.check == forgery.check and forgery.cell in f.cell and forgery.file in f.file]
    assert right, "\n".join(map(str, found))
    warned = forgery.check in WARNINGS or name in DOUBTS
    assert {f.severity for f in right} == {"warning" if warned else "error"}
    assert all(f.expected != f.found for f in found)
    assert not [f for f in errors(found) if f.expected == "a check that can be made"]


def test_an_edited_lock_is_found(finished, tmp_path, monkeypatch):
    lock = tmp_path / "requirements.lock"
    lock.write_text("torch==0.1\n")
    monkeypatch.setattr(integrity, "LOCK", lock)
    (found,) = [f for f in audited(finished) if f.check == "environment"]
    assert (found.file, found.severity) == ("requirements.lock", "warning")
    assert "8 of 8 cells" in found.found


def test_a_finding_makes_the_exit_code_one_and_is_escaped(forged, capsys):
    FORGERIES["a_rank_in_the_leaderboard"].do(forged)
    folder = forged.root / "boards" / "forged"
    path = folder / "leaderboard.csv"
    path.write_text(path.read_text().replace("0.5", "<script>alert(1)</script>"))
    code = stage.run(benchmark=forged.benchmark.as_posix(), root=forged.root.as_posix(), uri="", marker=None, rerun=0)
    page = (folder / "audit.html").read_text()
    assert code == 1
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "Not passed" in page
    assert "<script>alert(1)" in (folder / "audit.txt").read_text()
    assert "leaderboard: cell all simclr" in capsys.readouterr().out
