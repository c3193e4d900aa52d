"""Cells run again: drawn by modality and method, judged score by score, summed up by method."""

import json
import shutil

import pytest

from audit.conftest import cover, publish
from diptych.__main__ import _parser, _sample
from diptych.audits import agreement, repeat
from diptych.audits.kept import Kept
from diptych.parts.optional import missing
from diptych.records import read_json, read_npz, write_json, write_npz
from diptych.stages import audit as stage


def cell_of(planned, method="simclr", seed=0):
    return next(cell for cell in planned.cells if cell.method == method and cell.seed == seed)


def test_a_sample_has_every_modality_and_method_before_a_second_of_any(finished):
    assert repeat.chosen(finished, 4) == repeat.chosen(finished, 4)
    drawn = {(finished.card(cell.dataset).modality, cell.method) for cell in repeat.chosen(finished, 4)}
    assert len(drawn) == len({(finished.card(c.dataset).modality, c.method) for c in finished.cells}) == 4
    assert sorted(c.path for c in repeat.chosen(finished, None)) == sorted(c.path for c in finished.cells)
    assert repeat.chosen(finished, 0) == []


def test_untouched_cells_come_back_identical(finished):
    paths = {"benchmark": finished.benchmark.as_posix(), "root": finished.root.as_posix()}
    assert stage.run(**paths, uri="", marker=None, rerun=4) == 0
    folder = finished.root / "boards" / finished.name
    told = json.loads((folder / "audit.json").read_text())["repeated"]
    assert told["verdicts"] == {"identical": 4}
    assert told["ranking_scores"] == {"judged": 4, "shifted": 0, "p": 1.0}
    assert (told["tau"], told["rbo"]) == (pytest.approx(1), pytest.approx(1))
    assert told["environment"] == []
    assert (folder / "audit.txt").read_text().count("\nrun again: ") == 4
    assert "Cells run again" in (folder / "audit.html").read_text()
    for file in ("audit.txt", "audit.html"):
        assert "Run again: 4 of 4 cells: 4 identical." in (folder / file).read_text()


def test_a_spent_budget_begins_no_other_cell(finished):
    again = repeat.Again(Kept(finished), list(finished.cells), budget=-1)
    assert list(again.run()) == []
    assert again.done == []


def test_a_forged_setting_is_shifted_or_at_least_doubtful(forged):
    cell = cell_of(forged)
    path = forged.files(cell).record
    record = read_json(path)
    record["job"]["settings"]["method"]["temperature"] = 5.0
    write_json(path, record)
    publish(forged)
    found = repeat.repeated(Kept(forged), cell)
    assert found.verdict in ("shifted", "seed-noise")
    assert "embeddings.npz" in found.files
    assert all("other here" not in finding.found for finding in found.findings())


def test_older_code_is_stale_and_not_run(forged):
    cell = cell_of(forged)
    path = forged.files(cell).record
    record = read_json(path)
    record["job"]["code"] = "0" * 16
    write_json(path, record)
    found = repeat.repeated(Kept(forged), cell)
    assert (found.verdict, found.reason) == ("stale", "pretrain of other code than here")
    assert [finding.severity for finding in found.findings()] == ["warning"]


def test_missing_data_are_not_runnable(forged):
    cell = cell_of(forged)
    forged.files(cell).data.unlink()
    found = repeat.repeated(Kept(forged), cell)
    assert found.verdict == "not runnable"
    assert "data.npz" in found.reason


def test_a_cell_whose_optional_package_is_absent_is_skipped_with_a_warning(finished):
    cell = cell_of(finished)
    found = repeat.unable(cell, missing("simclr", "the package abacus", "counting"))
    (finding,) = found.findings()
    assert (found.verdict, finding.severity) == ("skipped", "warning")
    assert finding.found.startswith("simclr needs the package abacus: pip install")


def test_other_bytes_with_the_same_scores_are_numeric(forged):
    """As after a change of the order of additions."""
    cell = cell_of(forged)
    path = forged.files(cell).predictions
    arrays = read_npz(path)
    moved = {n: a * (1 + 1e-6) if n.startswith("backbone|linear|clean") else a for n, a in arrays.items()}
    write_npz(path, {n: a.astype(arrays[n].dtype) for n, a in moved.items()})
    cover(forged)
    found = repeat.repeated(Kept(forged), cell)
    assert found.verdict == "numeric"
    assert {s.place[1] for s in found.scores if s.verdict == "numeric"} == {"linear"}
    assert list(found.findings()) == []


def test_another_environment_is_told(finished, monkeypatch):
    here = repeat.provenance.environment()
    monkeypatch.setattr(repeat.provenance, "environment", lambda: here | {"processor": "abacus"})
    found = repeat.repeated(Kept(finished), cell_of(finished, "random"))
    assert found.elsewhere == (f"processor abacus (was {here['processor']})",)


def shifted(cell, n, elsewhere):
    """A cell of which n scores came back elsewhere than stored seeds have them, among them the ranking one."""
    score = repeat.Score(("backbone", "linear", "clean", 0.0, "balanced_accuracy"), 0.5, 0.9, "shifted", "")
    return repeat.Repeat(cell, "shifted", "", (score,) * n, elsewhere)


def test_on_another_machine_all_cells_together_decide(finished):
    cells = finished.cells[:4]
    (here,) = shifted(cells[0], 1, ()).findings()
    (there,) = shifted(cells[0], 1, ("processor abacus",)).findings()
    assert (here.severity, there.severity) == ("error", "warning")
    again = repeat.Again(Kept(finished), list(cells))
    again.done = [shifted(cell, 1, ("processor abacus",)) for cell in cells[:1]]
    assert list(agreement.together(again)) == []
    again.done = [shifted(cell, 1, ("processor abacus",)) for cell in cells[:2]]
    (found,) = agreement.together(again)
    assert (found.severity, found.found) == ("error", "2 of 2: p = 0.0025")


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], {}),
        (["--cells", "20"], {"rerun": 20}),
        (["--budget", "30m"], {"rerun": None, "budget": 1800.0}),
        (["--all"], {"rerun": None, "budget": float("inf")}),
    ],
)
def test_what_is_asked_on_the_command_line(words, asked):
    assert _sample(_parser().parse_args(["audit", "b.yaml", *words])) == asked


@pytest.mark.parametrize("cells", ["-3", "x", "1.5"])
def test_a_number_of_cells_is_0_or_more(cells, capsys):
    with pytest.raises(SystemExit, match="2"):
        _parser().parse_args(["audit", "b.yaml", f"--cells={cells}"])
    assert "is no number of cells: 0 or more" in capsys.readouterr().err


def test_a_board_that_was_never_made_is_a_finding_and_no_crash(forged, capsys):
    shutil.rmtree(forged.root / "boards")
    paths = {"benchmark": forged.benchmark.as_posix(), "root": forged.root.as_posix()}
    assert stage.run(**paths, uri="", marker=None, rerun=0) == 1
    said = capsys.readouterr().out
    assert "ledger.json" in said
    assert "cells.parquet" in said or "results.parquet" in said
