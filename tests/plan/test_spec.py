"""Every broken benchmark file stops before anything runs, with the place and the valid choices."""

import re

import pytest

from diptych.plan import Plan
from diptych.spec import BenchmarkError, read

GOOD = "name: mine\ndatasets: [wine]\nmethods: {scarf: {}}\n"
BROKEN = {
    "not yaml": ("name: [", "not valid YAML"),
    "empty": ("", "a mapping of name"),
    "a list": ("- wine\n", "a mapping of name"),
    "key twice": (GOOD + "seeds: [0]\nseeds: [1]\n", "'seeds' stands twice"),
    "unknown key": (
        GOOD + "probe: [linear]\n",
        r"mine.yaml:4: probe: unknown key \(did you mean probes\?\); valid: name",
    ),
    "nested unknown key": (GOOD + "limits: {minuts: 3}\n", r"limits.minuts: unknown key \(did you mean minutes\?\)"),
    "missing key": ("datasets: [wine]\nmethods: {}\n", "name: Field required"),
    "bad name": (GOOD.replace("mine", "a/b"), "name"),
    "path in name": (GOOD.replace("mine", "../x"), "name"),
    "unknown data set": (
        GOOD.replace("wine", "vine"),
        r"datasets\[0\]: unknown data set 'vine' \(did you mean wine\?\)",
    ),
    "data set twice": (GOOD.replace("[wine]", "[wine, wine]"), "wine stands twice"),
    "unknown method": (
        GOOD.replace("scarf", "scraf"),
        r"unknown method 'scraf' \(did you mean scarf\?\); valid: .*simclr",
    ),
    "unknown parameter": (
        GOOD.replace("{scarf: {}}", "{scarf: {temprature: 1}}"),
        r"no parameter temprature \(did you mean",
    ),
    "unknown dotted": (GOOD.replace("{scarf: {}}", "{scarf: {view.rat: 0.1}}"), r"no parameter view.rat .*view.rate"),
    "wrong type": (GOOD.replace("{scarf: {}}", "{scarf: {temperature: hot}}"), "'hot' is not a float"),
    "wrong type in axis": (GOOD.replace("{scarf: {}}", "{scarf: {train.batch_size: [8, x]}}"), "'x' is not a int"),
    "bool for a number": (GOOD.replace("{scarf: {}}", "{scarf: {temperature: true}}"), "True is not a float"),
    "negative rate": (GOOD.replace("{scarf: {}}", "{scarf: {train.lr: -1.0}}"), "out of range"),
    "batch of zero": (GOOD.replace("{scarf: {}}", "{scarf: {train.batch_size: 0}}"), "out of range"),
    "rate above one": (GOOD.replace("{scarf: {}}", "{scarf: {view.rate: 7.0}}"), "probability, from 0 to 1"),
    "point twice, as another number": (GOOD.replace("{scarf: {}}", "{scarf: {train.lr: [1, 1.0]}}"), "stands twice"),
    "width that heads cannot share": (
        "name: m\ndatasets: [vader_movies]\nmethods: {simcse: {encoder.dim: 30}}\n",
        "encoder.dim 30 is not a multiple of the 4 heads of transformer",
    ),
    "no heads": (
        "name: m\ndatasets: [vader_movies]\nmethods: {simcse: {encoder.heads: 0}}\n",
        "a size must be at least 1",
    ),
    "no grids": (
        GOOD.replace("{scarf: {}}", "{scarf: []}"),
        r"mine.yaml:3: methods.scarf: a grid .* or a list of such grids was expected, not \[\]",
    ),
    "no grid": (GOOD.replace("{scarf: {}}", "{scarf: 5}"), r"methods.scarf: a grid .* was expected, not 5"),
    "a grid that is none": (GOOD.replace("{scarf: {}}", "{scarf: [{}, 5]}"), r"methods.scarf\[1\]: .*dictionary"),
    "wrong type in the second grid": (
        GOOD.replace("{scarf: {}}", "{scarf: [{}, {view.rate: hot}]}"),
        r"methods.scarf\[1\].view.rate: 'hot' is not a float",
    ),
    "rate above one in the second grid": (
        GOOD.replace("{scarf: {}}", "{scarf: [{}, {view.rate: [0.5, 7.0]}]}"),
        r"methods.scarf\[1\].view.rate: 7.0 is out of range; view.rate is a probability, from 0 to 1",
    ),
    "unknown parameter in the second grid": (
        GOOD.replace("{scarf: {}}", "{scarf: [{}, {view.rat: 0.1}]}"),
        r"methods.scarf\[1\]: .*no parameter view.rat .*view.rate",
    ),
    "empty axis in the second grid": (
        GOOD.replace("{scarf: {}}", "{scarf: [{}, {temperature: []}]}"),
        r"methods.scarf\[1\]: an axis without values",
    ),
    "unknown data set of a grid": (
        GOOD.replace("{scarf: {}}", "{scarf: [{}, {datasets: [vine]}]}"),
        r"methods.scarf\[1\].datasets: unknown data set 'vine' \(did you mean wine\?\); valid: wine",
    ),
    "no data sets of a grid": (
        GOOD.replace("{scarf: {}}", "{scarf: [{}, {datasets: []}]}"),
        r"methods.scarf\[1\].datasets: a list of data set names was expected",
    ),
    "impossible asked pair of a grid": (
        "name: m\ndatasets: [digits, mutag]\nmethods: {simclr: {}, graphcl: [{}, {datasets: [digits]}]}\n",
        r"methods.graphcl\[1\].datasets: graphcl cannot run on digits \(image\); it runs on graph",
    ),
    "data set that no grid is for": (
        "name: m\ndatasets: [wine, digits]\nmethods: {simclr: [{datasets: [wine]}, {datasets: [wine]}]}\n",
        r"no method of this file runs on digits \(image\)",
    ),
    "empty axis": (GOOD.replace("{scarf: {}}", "{scarf: {temperature: []}}"), "an axis without values"),
    "point twice": (GOOD.replace("{scarf: {}}", "{scarf: {temperature: [1.0, 1.0]}}"), "stands twice"),
    "unknown train key": (GOOD + "train: {epoch: 2}\n", "no setting 'epoch'; valid: .*epochs"),
    "two budgets": (GOOD + "train: {epochs: 2, steps: 3}\n", "one budget at a time, not epochs and steps"),
    "unknown probe": (GOOD + "probes: [lineal]\n", r"unknown probe 'lineal' \(did you mean linear\?\)"),
    "unknown corruption": (GOOD + "robustness: {missing: [0.1]}\n", "unknown corruption 'missing'"),
    "severity of one": (GOOD + "robustness: {missing_mcar: [1.0]}\n", "less than 1"),
    "severity text": (GOOD + "robustness: {missing_mcar: [much]}\n", "valid number"),
    "severity twice": (GOOD + "robustness: {missing_mcar: [0.1, 0.1]}\n", "stands twice"),
    "corruption of another modality": (GOOD + "robustness: {missing_time: [0.1]}\n", "damages series"),
    "label noise before pretraining": (
        GOOD + "pretrain_corruption: {label_noise_class: [0.1]}\n",
        "only corruptions of inputs",
    ),
    "impossible pair": (
        GOOD.replace("scarf", "graphcl"),
        r"graphcl: runs on graph, the data sets are wine \(tabular\)",
    ),
    "impossible asked pair": (
        "name: m\ndatasets: [digits, mutag]\nmethods: {simclr: {}, graphcl: {datasets: [digits]}}\n",
        r"graphcl cannot run on digits \(image\); it runs on graph",
    ),
    "data set without method": (
        "name: m\ndatasets: [wine, mutag]\nmethods: {scarf: {}}\n",
        r"no method of this file runs on mutag \(graph\); those that do: .*graphcl",
    ),
    "seed twice": (GOOD + "seeds: [1, 1]\n", "seeds: 1 stands twice"),
    "negative seed": (GOOD + "seeds: [-1]\n", "seeds.0"),
    "no seeds": (GOOD + "seeds: []\n", "seeds"),
    "rank by an absent probe": (GOOD + "rank_by: {probe: svm}\n", "rank_by.probe: unknown probe 'svm'"),
    "rank by an unknown metric": (GOOD + "rank_by: {metric: f1}\n", "rank_by.metric: unknown metric 'f1'"),
    "not a number": (GOOD + "train: {lr: .nan}\n", "not a usable number"),
    "missing claims": (GOOD + "claims: nowhere.yaml\n", "no file nowhere.yaml"),
    "own file missing": ("name: m\ndatasets: [{csv: {file: no.csv, target: y}}]\nmethods: {scarf: {}}\n", "no.csv"),
    "own kind unknown": ("name: m\ndatasets: [{tsv: {file: no.csv}}]\nmethods: {scarf: {}}\n", "datasets"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file_is_refused_with_the_place_and_the_choices(case, benchmark_file):
    text, message = BROKEN[case]
    with pytest.raises(BenchmarkError, match="mine.yaml") as caught:
        Plan(benchmark_file(text))
    assert re.search(message, str(caught.value), re.DOTALL), caught.value


def test_a_missing_file_is_named():
    with pytest.raises(BenchmarkError, match="nowhere.yaml: cannot be read"):
        Plan("nowhere.yaml")


def test_good_file(benchmark_file):
    spec = read(benchmark_file(GOOD + "train: {lr: 1e-3}\n"))
    assert spec.train == {"lr": 0.001}  # YAML 1.1 would read the text "1e-3"
    assert spec.controls == ["raw", "random", "pca", "supervised"]
