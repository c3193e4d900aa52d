"""Cells of a bundle run again: what comes back, what does not, and what that says."""

from types import SimpleNamespace

import pytest

from audit.bundling import forge, member, recorded, run, seal, table
from diptych.audits import agreement
from diptych.audits.verdicts import too_many
from diptych.bundles import again, pack
from diptych.parts.optional import missing
from diptych.plan import Cell
from diptych.records import ContractError


def test_cells_of_a_bundle_come_back_in_another_folder(digits, capsys):
    assert run("verify", digits, "--cells", 2) == 0
    assert "Run again: 2 of 2 cells: 2 identical." in capsys.readouterr().out


def test_a_recipe_that_no_longer_runs_does_not_hold(digits, tmp_path):
    seal(digits, tmp_path / "b.zip", **recorded(digits, lambda r: r["job"]["settings"]["recipe"].update(lr=1e9)))
    with again.sampled(tmp_path / "b.zip", 4) as sample:
        told = agreement.summary(sample)
    verdicts = sorted((repeat.cell.method, repeat.verdict) for repeat in sample.done)
    assert verdicts == [("random", "identical")] * 2 + [("simclr", "not runnable")] * 2
    assert not again.holds(told)


def test_a_cell_whose_optional_package_is_absent_is_skipped_and_the_others_hold(digits, monkeypatch, capsys):
    rerun = again.replay.rerun

    def without_abacus(planned, cell, *rest):
        if cell.method == "simclr":
            raise missing("simclr", "the package abacus", "counting")
        return rerun(planned, cell, *rest)

    monkeypatch.setattr(again.replay, "rerun", without_abacus)
    assert run("verify", digits, "--cells", 2) == 0
    told = capsys.readouterr().out
    assert "skipped: digits/simclr/" in told
    assert "simclr needs the package abacus: pip install 'diptych[counting]'" in told


def told(shifted, lost=()):
    scores = {"judged": 4, "p": too_many(shifted, 4)}
    return {"verdicts": {"shifted": shifted}, "ranking_scores": scores, "lost": list(lost)}


def test_more_shifted_scores_than_chance_explains_do_not_hold_nor_does_a_lost_row():
    assert again.holds(told(1))
    assert not again.holds(told(2))
    assert not again.holds(told(1, ["digits/simclr/a"]))


def test_a_shifted_score_calls_for_the_other_seeds_and_the_row_is_lost_when_all_shift(digits, tmp_path):
    def lower(results):
        return results.assign(value=results["value"] - (results["method"] == "simclr"))

    forge(digits, tmp_path / "b.zip", **table(digits, "results.parquet", lower))
    with again.sampled(tmp_path / "b.zip", 2) as sample:
        summary = agreement.summary(sample)
    assert {repeat.cell.method for repeat in sample.done} == {"random", "simclr"}
    assert {repeat.cell.method for repeat in sample.others} == {"simclr"}
    assert len(sample.others) == 1
    assert [row.split("/")[:2] for row in summary["lost"]] == [["digits", "simclr"]]


def test_own_data_are_not_in_a_bundle(bundled):
    with pytest.raises(ContractError, match=r"wards\.csv"):
        run("verify", bundled, "--cells", 1)


def test_a_setting_that_the_code_got_since_has_its_default_and_one_that_is_other_is_named(digits, tmp_path):
    """Names of configurations are made of all settings, so that a new one gives every cell of the code another name."""

    def without(told):
        for flat in told["flat"].values():
            flat.pop("temperature", None)

    def other(told):
        for flat in told["flat"].values():
            flat |= {"temperature": 0.123} if "temperature" in flat else {}

    seal(digits, tmp_path / "a.zip", **member(digits, pack.PLAN, without))
    with again.sampled(tmp_path / "a.zip", 4) as sample:
        assert {repeat.verdict for repeat in sample.done} == {"identical"}
        assert len(sample.done) == 4
    seal(digits, tmp_path / "b.zip", **member(digits, pack.PLAN, other))
    with (
        pytest.raises(ContractError, match=r"digits/simclr/\w+: its settings make no cell here"),
        again.sampled(tmp_path / "b.zip", 4),
    ):
        pass


def test_a_point_of_a_grid_that_has_a_setting_more_is_not_taken_for_another_one():
    """An encoder from another data set has all settings of an own one, and `pretrain_on`."""
    own, other = Cell("wards", "transtab", "a", 0), Cell("wards", "transtab", "b", 0)
    flat = {own: {"dim": 8}, other: {"dim": 8, "pretrain_on": "clinic"}}
    now = {cell: settings | {"readout": "max"} for cell, settings in flat.items()}
    here, bundle = (SimpleNamespace(cells=(other, own), flat=known.get) for known in (now, flat))
    found = again._counterparts(SimpleNamespace(plan=bundle), here)
    assert [found[cell] for cell in (own, other)] == [own, other]
