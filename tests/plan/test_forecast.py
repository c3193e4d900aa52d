"""Forecasts come from records or not at all, with an error that holds; a budget keeps the design balanced."""

import json
from itertools import product

import numpy as np
import pytest

from diptych import budget, forecast, state
from diptych.__main__ import execute
from diptych.budget import Costs
from diptych.forecast import Fit, Forecast
from diptych.plan import Plan
from diptych.records import write_json
from diptych.spec import BenchmarkError

SETS = ("wine", "breast_cancer", "satimage", "hiva", "digits", "fashion_mnist")
SECONDS = {"pretrain": 100.0, "embed": 1.0, "probe": 4.0, "prepare": 1.0, "download": 1.0}
TEXT = "name: mine\ndatasets: [{}]\nmethods: {{simclr: {{}}, barlow_twins: {{}}}}\ncontrols: [raw]\nseeds: [{}]\n"
TEXT += "train: {{epochs: 3}}\nrows: 100\n"


def described(sets=SETS, seeds=(0, 1, 2)):
    return TEXT.format(", ".join(sets), ", ".join(map(str, seeds)))


@pytest.fixture
def benchmark(benchmark_file, tmp_path):
    """The plan of some data sets and seeds over one results folder."""
    return lambda *chosen: Plan(benchmark_file(described(*chosen)), root=str(tmp_path / "results"))


def finish(plan, noise=0.0):
    """Records of every job, as if each took the time of its stage."""
    rng = np.random.default_rng(0)
    for job in state.jobs(plan):
        took = SECONDS[job.stage] * float(np.exp(noise * rng.normal()))
        about = {"status": "ok", "reason": "", "job": json.loads(job.job), "memory_mb": 500.0}
        if job.stage == "prepare":
            modality = plan.card(job.name.partition("/")[0]).modality
            about["facts"] = {"modality": modality, "n_train": 100, "shape": [8, 8]}
        write_json(job.record, about)
        job.record.with_name(f"{job.stage}.tsv").write_text(f"s\th:m:s\n{took}\t0\n", encoding="utf-8")
    return plan


def test_without_records_nothing_is_said(benchmark, capsys):
    plan = benchmark()
    found = Forecast.of(plan, state.jobs(plan))
    assert len(found.unknown) == len(found.jobs) > 0
    assert execute(["plan", str(plan.benchmark), "--root", str(plan.root)]) == 0
    assert "forecast: none, since the results folder has too few records" in capsys.readouterr().out
    assert execute(["plan", str(plan.benchmark), "--root", str(plan.root), "--budget", "2h"]) == 1
    assert "too few records" in capsys.readouterr().err


def test_failed_jobs_and_broken_records_are_no_evidence(benchmark):
    plan = finish(benchmark())
    known = len(forecast.recorded(plan.root))
    write_json(plan.files(plan.cells[0]).probe, {"status": "timeout", "job": {}})
    plan.files(plan.cells[1]).probe.write_text("{", encoding="utf-8")
    assert len(forecast.recorded(plan.root)) == known - 2


def test_more_seeds_cost_what_the_first_ones_did(benchmark):
    finish(benchmark(SETS, (0, 1)), noise=0.1)
    plan = benchmark(SETS, (0, 1, 2))
    found = Forecast.of(plan, state.jobs(plan))
    stages = {stage: found.total("seconds", found.of_stage(stage)) for stage in found.stages}
    for stage in ("pretrain", "embed", "probe"):
        truth = SECONDS[stage] * len(found.of_stage(stage))
        assert stages[stage].low < truth < stages[stage].high
        assert stages[stage].high < 1.5 * truth
    assert found.total("memory_mb").middle == pytest.approx(500, rel=0.05)
    assert all(low < 1 < high for low, high in found.errors("probe").values())


def test_what_is_new_is_judged_by_errors_of_its_own_kind(benchmark):
    past = forecast.recorded(finish(benchmark()).root)
    fit = Fit.of(past[past["stage"] == "pretrain"], "seconds")
    jobs = past[past["stage"] == "pretrain"].head(4).reset_index(drop=True)
    jobs.loc[1, ["dataset", "row"]] = ["elsewhere", "elsewhere/simclr"]
    jobs.loc[2, "method"] = "another"
    jobs.loc[3, "modality"] = "graph"
    assert list(fit.levels(jobs)) == ["row", "dataset", "method", "modality"]
    assert fit.errors("modality") == []  # two modalities tell nothing of a third
    assert np.isnan(fit.draw(jobs, np.random.default_rng(0))).all(axis=1).tolist() == [False, False, False, True]


@pytest.mark.parametrize("effect", [0.0, 1.0])
def test_the_interval_holds_the_truth_of_rows_left_out(benchmark, effect):
    """Rows differ by a factor that nothing tells: 95 % intervals of single rows hold about that often."""
    past = forecast.recorded(finish(benchmark()).root)
    own, rng = past[past["stage"] == "pretrain"], np.random.default_rng(1)
    rows, held = own["row"].unique(), 0
    for _ in range(20):
        factor = dict(zip(rows, np.exp(effect * rng.normal(size=len(rows))), strict=True))
        drawn = own.assign(seconds=100 * own["row"].map(factor) * np.exp(0.1 * rng.normal(size=len(own))))
        out = drawn["row"] == rng.choice(rows)
        total = forecast.Amount.of(Fit.of(drawn[~out], "seconds").draw(drawn[out], rng).sum(axis=0))
        held += total.low <= drawn.loc[out, "seconds"].sum() <= total.high
    assert held >= 16


def test_seeds_are_cut_before_data_sets(benchmark):
    finish(benchmark(SETS[:5], (0,)))
    costs = Costs.of(benchmark(SETS, (0, 1, 2)))
    everything = costs.time(costs.plan.cells).middle
    assert budget.choose(costs, everything).left_out == []
    one = costs.time(costs.cells(SETS, [0])).middle
    two = costs.time(costs.cells(SETS, [0, 1])).middle
    assert one < two < everything
    found = budget.choose(costs, (two + everything) / 2)
    assert (found.seeds, found.datasets) == ([0, 1], list(SETS))
    assert {(c.dataset, c.seed) for c in found.cells} == set(product(SETS, [0, 1]))
    assert set(found.cells) | set(found.left_out) == set(costs.plan.cells)
    assert found.time.middle <= (two + everything) / 2


def test_where_one_seed_does_not_fit_modalities_take_turns(benchmark):
    finish(benchmark(SETS, (7,)))
    costs = Costs.of(benchmark(SETS, (0, 1)))
    one = costs.time(costs.cells(SETS, [0])).middle
    found = budget.choose(costs, one / 2)
    assert found.seeds == [0]
    assert {costs.plan.card(name).modality for name in found.datasets} == {"image", "tabular"}
    assert found.time.middle <= one / 2
    assert budget.choose(costs, 1e-6).cells == []


def test_shared_jobs_count_once_and_done_ones_nothing(benchmark):
    plan = finish(benchmark())
    costs = Costs.of(plan)
    assert costs.time(plan.cells).high == 0
    plan.files(plan.cells[0]).probe.unlink()
    assert len(Costs.of(plan).forecast.jobs) == 1


def test_the_file_that_is_written_asks_for_the_very_cells(benchmark, tmp_path, capsys):
    finish(benchmark(SETS, (7,)))
    plan, file = benchmark(SETS, (0, 1)), tmp_path / "elsewhere" / "cut.yaml"
    asked = [
        "plan",
        str(plan.benchmark),
        "--root",
        str(plan.root),
        "--cores",
        "1",
        "--budget",
        "20m",
        "--write",
        str(file),
    ]
    assert execute(asked) == 0
    said, cut = capsys.readouterr().out, Plan(str(file), str(plan.root))
    assert f"make run BENCHMARK={file}" in said
    assert f"{len(cut.cells)} of {len(plan.cells)} cells fit" in said
    assert "left out" in said
    assert {cell.path for cell in cut.cells} < {cell.path for cell in plan.cells}
    assert cut.name == "mine-20m"
    assert execute(asked) == 1
    assert "is left as it is" in capsys.readouterr().err


def test_a_cut_file_drops_what_its_data_sets_lack(benchmark_file, tmp_path):
    own = tmp_path / "mine.csv"
    own.write_text("a,b,y\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(60)), encoding="utf-8")
    text = f"name: mine\ndatasets: [digits, {{csv: {{file: {own.name}, target: y}}}}]\nseeds: [0]\n"
    text += (
        "methods: {simclr: {datasets: [digits]}, scarf: {}}\nrobustness: {missing_block: [0.2], missing_mcar: [0.2]}\n"
    )
    file = benchmark_file(text)
    plan = Plan(file, root=str(tmp_path / "results"))
    cells = [cell for cell in plan.cells if cell.dataset == "mine"]
    chosen = budget.Choice(["mine"], [0], cells, [], forecast.Amount(0, 0, 0))
    (tmp_path / "far").mkdir()
    budget.write(plan, chosen, tmp_path / "far" / "cut.yaml", "1h")
    cut = Plan(str(tmp_path / "far" / "cut.yaml"), root=str(tmp_path / "results"))
    assert list(cut.spec.methods) == ["scarf"]
    assert [cut.cell_job("robustness", c) for c in cut.cells] == [plan.cell_job("robustness", c) for c in cells]


@pytest.mark.parametrize(("text", "expected"), [("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1.5h", 5400)])
def test_durations(text, expected):
    assert budget.seconds(text) == expected


@pytest.mark.parametrize("text", ["2", "h", "2 h", "-1h", "0m", "2h!"])
def test_other_text_is_no_duration(text):
    with pytest.raises(BenchmarkError, match="30m, 2h"):
        budget.seconds(text)
