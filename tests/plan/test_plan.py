"""From a benchmark file to cells, settings and jobs."""

import json
import re
import subprocess
import sys

import pytest

from diptych import catalog, state
from diptych.plan import Plan
from diptych.spec import BenchmarkError

TEXT = """
name: mine
datasets: [wine, digits]
seeds: [0, 1]
controls: [raw, supervised]
methods:
  scarf: {temperature: [0.5, 1.0], view.rate: 0.3}
  simclr: {encoder.dim: [32, 64], datasets: [digits]}
train: {epochs: 2}
probes: [linear, knn]
robustness: {missing_mcar: [0.2], label_noise_symmetric: [0.2]}
"""


@pytest.fixture
def plan(benchmark_file, tmp_path):
    return Plan(benchmark_file(TEXT), root=str(tmp_path / "results"))


def test_cells_are_the_product_of_what_can_be_paired(plan):
    counts = {}
    for cell in plan.cells:
        counts[cell.dataset, cell.method] = counts.get((cell.dataset, cell.method), 0) + 1
    assert counts == {
        ("wine", "scarf"): 4,
        ("wine", "raw"): 2,
        ("wine", "supervised"): 2,
        ("digits", "simclr"): 4,
        ("digits", "raw"): 2,
        ("digits", "supervised"): 4,
    }
    assert len({cell.path for cell in plan.cells}) == len(plan.cells)


def test_settings_are_defaults_under_the_grid_under_the_equal_budget(plan):
    settings = [plan.settings(c) for c in plan.cells if c.method == "scarf" and c.seed == 0]
    assert [s["method"]["temperature"] for s in settings] == [0.5, 1.0]
    assert all(s["view"]["rate"] == 0.3 and s["recipe"]["epochs"] == 2 for s in settings)
    raw = next(plan.settings(c) for c in plan.cells if c.method == "raw")
    assert raw["recipe"]["steps"] == 0
    assert raw["recipe"]["epochs"] is None
    flat = plan.flat(next(c for c in plan.cells if c.method == "simclr"))
    assert flat["encoder.dim"] == 32
    assert flat["train.epochs"] == 2


def test_a_budget_replaces_the_papers_own_unit(benchmark_file):
    plan = Plan(benchmark_file("name: m\ndatasets: [wine]\nmethods: {scarf: {}}\ntrain: {steps: 5}\n"))
    recipe = next(plan.settings(c) for c in plan.cells if c.method == "scarf")["recipe"]
    assert (recipe["steps"], recipe["epochs"], recipe["samples"]) == (5, None, None)


def test_jobs_are_json_and_files_are_distinct(plan):
    files = [plan.files(cell) for cell in plan.cells]
    assert len({f.record for f in files}) == len(plan.cells)
    jobs = [json.loads(job.job) for job in state.jobs(plan)]
    assert {job["stage"] for job in jobs} == {"download", "prepare", "pretrain", "embed", "probe", "robustness"}
    assert all(len(job.get("code", "0" * 16)) == 16 for job in jobs)


def test_an_edited_grid_keeps_the_old_cells(plan, benchmark_file):
    more = Plan(benchmark_file(TEXT.replace("[0.5, 1.0]", "[0.5, 1.0, 2.0]"), "more.yaml"), root=str(plan.root))
    old, new = {c.path for c in plan.cells}, {c.path for c in more.cells}
    assert old < new
    assert len(new - old) == 2  # one more temperature, two seeds
    assert all(more.cell_job("pretrain", c) == plan.cell_job("pretrain", c) for c in plan.cells)


def test_other_probes_and_severities_leave_pretraining_alone(plan, benchmark_file):
    other = Plan(benchmark_file(TEXT.replace("[linear, knn]", "[linear]").replace("[0.2]", "[0.2, 0.4]"), "o.yaml"))
    cell = plan.cells[0]
    assert other.cell_job("pretrain", cell) == plan.cell_job("pretrain", cell)
    assert other.files(cell).probe.parent.name != plan.files(cell).probe.parent.name
    assert other.files(cell).robustness.parent.name != plan.files(cell).robustness.parent.name


def test_fine_tuning_is_one_more_job_and_changes_no_other(plan, benchmark_file):
    """Its results stand in a folder of their own, which every benchmark shares."""
    text = TEXT.replace("[linear, knn]", "[linear, knn, finetune]")
    tuned = Plan(benchmark_file(text, "tuned.yaml"), root=str(plan.root))
    for cell in plan.cells:
        assert tuned.cell_stages(cell) == (*plan.cell_stages(cell), "finetune")
        assert tuned.files(cell) == plan.files(cell)
        assert all(tuned.cell_job(stage, cell) == plan.cell_job(stage, cell) for stage in plan.cell_stages(cell))
    assert len(set(tuned.records()) - set(plan.records())) == len(plan.cells)
    with pytest.raises(BenchmarkError, match="finetune needs a frozen probe beside it"):
        Plan(benchmark_file(TEXT.replace("[linear, knn]", "[finetune]"), "alone.yaml"))


def test_boards_may_rank_by_fine_tuning(benchmark_file):
    text = TEXT.replace("[linear, knn]", "[linear, finetune]\nrank_by: {probe: finetune, metric: log_loss}")
    assert Plan(benchmark_file(text)).spec.rank_by.probe == "finetune"


def test_a_budget_changes_the_configuration(plan, benchmark_file):
    longer = Plan(benchmark_file(TEXT.replace("epochs: 2", "epochs: 3"), "longer.yaml"))
    trained = {c.config for c in plan.cells if c.method != "raw"}
    assert not trained & {c.config for c in longer.cells if c.method != "raw"}
    assert {c.config for c in plan.cells if c.method == "raw"} == {c.config for c in longer.cells if c.method == "raw"}


def test_pretraining_corruption_is_an_axis_of_cells(benchmark_file):
    text = "name: m\ndatasets: [ecg200]\nmethods: {ts2vec: {}}\ncontrols: [raw]\n"
    plan = Plan(benchmark_file(text + "pretrain_corruption: {missing_time: [0, 0.2, 0.4]}\n"))
    assert [c.condition for c in plan.cells if c.method == "ts2vec"] == ["", "missing_time-0.2", "missing_time-0.4"]
    assert len({plan.variant(c) for c in plan.cells}) == 3
    assert len({c.config for c in plan.cells}) == 6


def test_seeds_share_prepared_data_only_under_an_official_split(benchmark_file):
    text = "name: m\ndatasets: [{}]\nmethods: {{{}: {{}}}}\nseeds: [0, 1]\n"
    official = Plan(benchmark_file(text.format("ecg200", "ts2vec"), "a.yaml"))
    drawn = Plan(benchmark_file(text.format("wine", "scarf"), "b.yaml"))
    assert len(official.variants) == 1
    assert len(drawn.variants) == 2


def test_a_subset_by_size_is_a_data_set_of_its_own(benchmark_file):
    text = "name: m\ndatasets: [fashion_mnist{}]\nmethods: {{simclr: {{datasets: [fashion_mnist{}]}}}}\nseeds: [0, 1]\n"
    whole = Plan(benchmark_file(text.format("", ""), "whole.yaml"))
    small = Plan(benchmark_file(text.format("@2000", "@2000"), "small.yaml"))
    again = Plan(benchmark_file(text.format("@2000", "_2000"), "again.yaml"))
    assert list(small.cards) == ["fashion_mnist_2000"]
    assert all(re.fullmatch("[A-Za-z0-9_]+", cell.dataset) for cell in small.cells)
    assert [cell.path for cell in small.cells] == [cell.path for cell in again.cells]
    assert not {cell.path for cell in small.cells} & {cell.path for cell in whole.cells}
    assert len(small.variants) == 1  # an official split: every seed reads the same rows
    assert set(small.variants) != {("fashion_mnist_2000", variant) for _, variant in whole.variants}
    whole_jobs, small_jobs = ([json.loads(job.job) for job in state.jobs(plan)] for plan in (whole, small))
    for stage in ("download", "prepare"):
        before, after = (next(j for j in found if j["stage"] == stage) for found in (whole_jobs, small_jobs))
        assert after == before | {"dataset": "fashion_mnist_2000", "subset": {"of": "fashion_mnist", "rows": 2000}}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("fashion_mnst@2000", r"datasets\[0\]: unknown data set 'fashion_mnst' \(did you mean fashion_mnist\?\)"),
        ("digits@2000", r"digits@2000: the training split of digits has only about 1437 rows"),
        ("digits, digits@x", r"datasets\[1\]: digits@x: a number of training rows was expected"),
        ("cifar10_jpeg@12", r"10 classes need at least 20 training rows"),
        ("digits@500, digits@500", r"datasets\[1\]: digits_500 stands twice"),
        ("digits_500", r"unknown data set 'digits_500' \(did you mean digits\?\)"),
        ("{csv: {file: mine.csv, target: y}}, mine@20", r"datasets\[1\]: mine is own data; a subset by size is"),
        ("{csv: {file: mine.csv, target: y, name: digits_500}}", "the name digits_500 is taken by a built-in data set"),
    ],
)
def test_impossible_subsets_stop_the_dry_run(benchmark_file, tmp_path, entries, message):
    (tmp_path / "mine.csv").write_text("a,y\n1,b\n2,c\n", encoding="utf-8")
    with pytest.raises(BenchmarkError, match=message):
        Plan(benchmark_file(f"name: m\ndatasets: [{entries}]\nmethods: {{}}\n"))


def test_planning_imports_nothing_heavy():
    code = (
        "import sys, diptych.__main__, diptych.state, diptych.plan as p; plan = p.load('benchmarks/smoke.yaml');"
        "list(diptych.state.jobs(plan));"
        "bad = {'torch', 'pandas', 'sklearn', 'mlflow', 'scipy', 'xgboost'} & set(sys.modules);"
        "print(len(plan.cells)); sys.exit(f'imported {bad}' if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_every_encoder_has_its_modality():
    assert set(catalog.ENCODERS.values()) <= set(catalog.components("encoders"))
    for method in catalog.components("methods").values():
        views = set(method.attributes["modalities"].values())
        assert views <= set(catalog.components("views")), method.name


def test_controls_stand_beside_the_encoders_that_methods_use(benchmark_file):
    def encoders(methods, control):
        plan = Plan(benchmark_file(f"name: m\ndatasets: [digits]\nmethods: {methods}\n"))
        return {plan.settings(cell)["encoder"]["name"] for cell in plan.cells if cell.method == control}

    assert encoders("{mae: {}}", "random") == {"vit"}
    assert encoders("{mae: {}, simclr: {}}", "supervised") == {"conv", "vit"}
    assert encoders("{simclr: {encoder.name: [conv, resnet18]}}", "random") == {"conv", "resnet18"}
    assert encoders("{mae: {}, random: {}}", "random") == {"conv"}  # what the file says itself


def test_a_benchmark_sizes_the_encoder_of_a_modality(benchmark_file):
    head = "name: m\ndatasets: [digits]\nmethods: {simclr: {}, byol: {encoder.dim: 16}, mae: {}}\n"
    plan = Plan(benchmark_file(head + "encoders: {image: {name: conv, dim: 64}}\n"))
    sizes = {cell.method: plan.settings(cell)["encoder"]["dim"] for cell in plan.cells if cell.method != "random"}
    assert (sizes["simclr"], sizes["byol"], sizes["mae"]) == (64, 16, 128)  # mae has its own encoder
    assert sorted(plan.settings(c)["encoder"]["dim"] for c in plan.cells if c.method == "random") == [16, 64, 128]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{image: {dim: 64}}", "encoders.image: an encoder has a name: one of conv"),
        ("{image: {name: conf}}", "did you mean conv"),
        ("{image: {name: conv, width: 3}}", "unknown setting of conv 'width'; valid: dim"),
        ("{image: {name: conv, dim: 0}}", "encoders.image.dim: 0 is out of range"),
        ("{picture: conv}", "encoders: unknown modality 'picture'"),
    ],
)
def test_a_wrong_encoder_of_a_modality(benchmark_file, entry, message):
    with pytest.raises(BenchmarkError, match=re.escape(message)):
        Plan(benchmark_file(f"name: m\ndatasets: [digits]\nmethods: {{simclr: {{}}}}\nencoders: {entry}\n"))


def test_controls_stand_beside_encoders_of_every_size(benchmark_file):
    plan = Plan(benchmark_file("name: m\ndatasets: [digits]\nmethods: {simclr: {encoder.dim: [32, 64]}, byol: {}}\n"))
    sizes = [plan.settings(cell)["encoder"]["dim"] for cell in plan.cells if cell.method == "random"]
    assert sorted(sizes) == [32, 64, 128]


def test_a_setting_that_is_on_or_off_is_no_size(benchmark_file):
    axes = "{encoder.name: resnet18, encoder.zero_init_residual: [false, true]}"
    plan = Plan(benchmark_file(f"name: m\ndatasets: [digits]\nmethods: {{simclr: {axes}}}\n"))
    found = [plan.settings(cell)["encoder"]["zero_init_residual"] for cell in plan.cells if cell.method == "simclr"]
    assert found == [False, True]


GRIDS = """
name: several
datasets: [wine, digits]
controls: [random]
methods:
  scarf: [{view.rate: [0.2, 0.4]}, {view.rate: [0.4, 0.6], datasets: [wine]}, {temperature: [0.5, 1.0]}]
  simclr:
    - {view.name: crop_distance, view.distance: [0, 0.1], datasets: [digits]}
    - {encoder.name: resnet18, datasets: [digits]}
"""


def test_a_list_of_grids_is_their_union_each_on_its_own_data_sets(benchmark_file):
    plan = Plan(benchmark_file(GRIDS))

    def points(dataset, method, *names):
        flat = [plan.flat(cell) for cell in plan.cells if (cell.dataset, cell.method) == (dataset, method)]
        return [tuple(point.get(name) for name in names) for point in flat]

    # rate 0.4 stands in two grids, and the last grid's temperature of 1.0 at rate 0.6 is the default of the second
    assert points("wine", "scarf", "view.rate", "temperature") == [(0.2, 1.0), (0.4, 1.0), (0.6, 1.0), (0.6, 0.5)]
    views = [("crop_distance", 0.0, "conv"), ("crop_distance", 0.1, "conv"), ("crop_jitter", None, "resnet18")]
    assert points("digits", "simclr", "view.name", "view.distance", "encoder.name") == views
    assert not points("wine", "simclr")
    assert points("digits", "random", "encoder.name") == [("conv",), ("resnet18",)]
    assert len({cell.path for cell in plan.cells}) == len(plan.cells)


def test_a_list_of_one_grid_and_that_grid_are_the_same_cells(benchmark_file):
    one = Plan(benchmark_file(TEXT, "one.yaml"))
    listed = TEXT.replace("{temperature: [0.5, 1.0], view.rate: 0.3}", "[{temperature: [0.5, 1.0], view.rate: 0.3}]")
    split = "[{temperature: 0.5, view.rate: 0.3}, {temperature: 1.0, view.rate: 0.3}]"
    split = TEXT.replace("{temperature: [0.5, 1.0], view.rate: 0.3}", split)
    for text in (listed, split):
        other = Plan(benchmark_file(text, "other.yaml"), root=str(one.root))
        assert other.cells == one.cells
        assert [j.job for j in state.jobs(other)] == [j.job for j in state.jobs(one)]


def test_batches_shaped_by_labels_make_a_row_supervised(benchmark_file):
    text = "name: m\ndatasets: [digits]\nmethods: {simclr: {train.per_class: [1, 32]}, npair: {}}\ncontrols: [raw]\n"
    plan = Plan(benchmark_file(text + "train: {batch_size: 64, epochs: 1}\n"))
    roles = {(c.method, plan.flat(c)["train.per_class"]): plan.role(c) for c in plan.cells}
    assert roles == {
        ("simclr", 1): "self-supervised",
        ("simclr", 32): "supervised",
        ("npair", 2): "supervised",
        ("raw", 1): "control",
    }


@pytest.mark.parametrize(
    ("method", "axes", "problem"),
    [
        ("simclr", "train.per_class: 0", "out of range; per_class must be > 0"),
        ("simclr", "train.per_class: 1.5", "1.5 is not a int"),
        ("simclr", "train.per_class: true", "is not a int"),
        ("simclr", "train.per_class: 65, train.batch_size: 64", "a batch has 64 rows; it must be from 1 to"),
        (
            "npair",
            "train.per_class: 1",
            "methods.npair: train.per_class 1 of npair: the method needs rows of one class",
        ),
        ("random", "train.per_class: 2", "random is not trained"),
    ],
)
def test_rows_of_a_class_that_cannot_be_are_refused(method, axes, problem, benchmark_file):
    text = f"name: m\ndatasets: [digits]\nmethods: {{{method}: {{{axes}}}}}\n"
    with pytest.raises(BenchmarkError, match=problem):
        Plan(benchmark_file(text))
