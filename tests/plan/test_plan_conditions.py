"""Where damage before pretraining counts, and imputation as an axis of cells."""

import json

import pytest

from diptych import state
from diptych.plan import Plan
from diptych.spec import BenchmarkError

HEAD = "name: m\ndatasets: [ecg200, wine]\nmethods: {ts2vec: {}, scarf: {}}\ncontrols: [random]\nprobes: [linear]\n"
DAMAGE = "pretrain_corruption: {missing_mcar: [0, 0.2]}\n"
ROBUSTNESS = "robustness: {missing_mcar: [0.4]}\n"


@pytest.fixture
def plan(benchmark_file):
    return lambda text: Plan(benchmark_file(HEAD + text))


def _cells(plan, method):
    return [cell for cell in plan.cells if cell.method == method]


def _jobs(plan, stage, cell):
    return json.loads(plan.cell_job(stage, cell))


def test_the_defaults_are_the_cells_of_before(plan):
    plain, stated = plan(DAMAGE), plan(DAMAGE + "pretrain_corruption_at: [both]\nimpute: [none]\n")
    assert stated.cells == plain.cells
    assert [j.job for j in state.jobs(stated)] == [j.job for j in state.jobs(plain)]
    assert not any("impute" in plain.flat(cell) for cell in plain.cells)
    for cell in plain.cells:
        files = plain.files(cell)
        assert files.data == files.pretrain_data == files.robustness_data
    asked = plain.variants[plain.cells[0].dataset, plain.variant(plain.cells[0])]
    assert asked == {"rows": None, "corruption": None, "seed": 0}


def test_pretraining_only_reads_damaged_data_then_undamaged(plan):
    found = plan(DAMAGE + ROBUSTNESS + "pretrain_corruption_at: [both, pretraining]\n")
    clean, both, only = _cells(found, "ts2vec")
    assert [c.condition for c in (clean, both, only)] == ["", "missing_mcar-0.2", "missing_mcar-0.2@pretraining"]
    assert len({c.path for c in (clean, both, only)}) == 3
    files = {cell: found.files(cell) for cell in (clean, both, only)}
    assert files[only].pretrain_data == files[both].pretrain_data == files[both].data
    assert files[only].data == files[only].robustness_data == files[clean].data
    assert _jobs(found, "pretrain", only)["variant"] == found.variant(both)
    assert _jobs(found, "pretrain", only)["probed"] == found.variant(clean)
    assert "probed" not in _jobs(found, "pretrain", both)
    assert {cell.condition for cell in plan(DAMAGE).cells} == {"", "missing_mcar-0.2"}


def test_the_clean_rows_are_those_of_the_damaged_split(plan):
    """A split that is drawn from the seed is the same for the encoder and for its probes."""
    found = plan(DAMAGE + "seeds: [3]\npretrain_corruption_at: [pretraining]\n")
    only = _cells(found, "scarf")[-1]
    trained, probed = (found.variants["wine", found.variant(only, stage)] for stage in ("pretrain", "probe"))
    assert trained == probed | {"corruption": {"name": "missing_mcar", "severity": 0.2}}
    assert trained["seed"] == 3


def test_a_cell_waits_for_every_variant_that_it_reads(plan):
    found = plan(DAMAGE + ROBUSTNESS + "pretrain_corruption_at: [pretraining]\nimpute: [mean]\n")
    cell = _cells(found, "ts2vec")[-1]
    stages = [(job.stage, job.name) for job in state.chain(found, cell)]
    variants = {stage: found.variant(cell, stage) for stage in ("pretrain", "probe", "robustness")}
    assert len(set(variants.values())) == 3
    assert [name for stage, name in stages if stage == "prepare"] == [f"ecg200/{v}" for v in variants.values()]
    assert {(cell.dataset, v) for v in variants.values()} <= set(found.variants)


def test_an_imputer_is_an_axis_of_cells(plan):
    found = plan(DAMAGE + ROBUSTNESS + "impute: [none, mean, last]\n")
    assert [found.flat(c)["impute"] for c in _cells(found, "ts2vec")] == ["none", "mean", "last"] * 2
    assert [found.flat(c)["impute"] for c in _cells(found, "scarf")] == ["none", "mean"] * 2  # last is for series
    assert {c.condition for c in found.cells} == {"", "missing_mcar-0.2"}
    assert len({c.path for c in found.cells}) == len(found.cells)
    none, mean, _ = _cells(found, "ts2vec")[3:]
    assert {c.path for c in _cells(plan(DAMAGE), "ts2vec")} == {c.path for c in _cells(found, "ts2vec")[::3]}
    assert found.variants["ecg200", found.variant(mean)]["impute"] == "mean"
    assert found.files(mean).robustness_data == found.files(none).data  # masks are drawn on what no imputer has seen
    assert _jobs(found, "robustness", mean)["impute"] == "mean"
    assert "impute" not in _jobs(found, "robustness", none)


def test_data_that_no_imputer_fills_keep_their_cells(benchmark_file):
    text = "name: m\ndatasets: [digits, wine]\nmethods: {simclr: {}}\nimpute: [mean]\n"
    found = Plan(benchmark_file(text))
    assert {found.flat(c)["impute"] for c in found.cells if c.dataset == "wine"} == {"mean"}
    images = [c for c in found.cells if c.dataset == "digits" and c.method == "simclr"]
    assert [found.condition("digits", c.config).impute for c in images] == ["none"]


def test_an_effect_can_speak_of_imputers(plan):
    effect = (
        "effects: [{claim: c, kind: above, of: {method: ts2vec, impute: none}, over: {method: ts2vec, impute: mean}}]"
    )
    assert plan(f"impute: [none, mean]\n{effect}\n").cells
    with pytest.raises(BenchmarkError, match="impute"):
        plan(f"impute: [none, mean]\n{effect.replace('impute: mean', 'impute: iterative')}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "impute: [meen]\n",
            r"impute: unknown imputer 'meen' \(did you mean mean\?\); valid: none, iterative, last, mean",
        ),
        ("impute: [mean, mean]\n", "impute: mean stands twice"),
        ("impute: []\n", "impute"),
        ("impute: mean\n", "impute"),
        (DAMAGE + "pretrain_corruption_at: [probe]\n", "pretrain_corruption_at"),
        (DAMAGE + "pretrain_corruption_at: [both, both]\n", "pretrain_corruption_at: both stands twice"),
        ("pretrain_corruption_at: [pretraining]\n", "pretrain_corruption asks for no damage above 0"),
        (
            "pretrain_corruption: {missing_mcar: [0]}\npretrain_corruption_at: [pretraining]\n",
            "pretrain_corruption asks for no damage above 0",
        ),
    ],
)
def test_what_cannot_be_is_refused(plan, text, message):
    with pytest.raises(BenchmarkError, match=message):
        plan(text)


def test_an_imputer_without_data_is_refused(benchmark_file):
    with pytest.raises(BenchmarkError, match="impute: last fills series, but no data set is"):
        Plan(benchmark_file("name: m\ndatasets: [wine]\nmethods: {scarf: {}}\nimpute: [none, last]\n"))
