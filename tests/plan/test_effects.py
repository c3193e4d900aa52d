"""Stated effects that cannot be judged stop the dry run; those that can are planned as they are written."""

import re

import pytest
import yaml

from diptych import effects
from diptych.plan import Plan
from diptych.spec import BenchmarkError

FILE = """
name: mine
datasets: [wine, breast_cancer, digits]
seeds: [0, 1]
controls: [raw]
methods:
  scarf: {temperature: [0.1, 0.5, 1.0], train.batch_size: [32, 64]}
  simclr: [{temperature: [0.1, 1.0], datasets: [digits]}, {view.min_area: [0.2, 0.5], datasets: [digits]}]
  byol: {predict: [true, false], datasets: [digits]}
"""
RISES = {"claim": "c", "kind": "rises", "of": {"method": "scarf"}, "along": "temperature"}
ABOVE = {"claim": "c", "kind": "above", "of": {"method": "byol"}, "over": {"method": "simclr"}}
BYOL = {"method": "byol"}
TWO = {"claim": "c", "kind": "above", "of": {"method": "scarf", "dataset": "wine"}}
TWO |= {"over": {"method": "scarf", "dataset": "breast_cancer"}}
NAMED_TWICE = r"`dataset:` stands in `of` and in `over` of the kind above, without `along:` and `datasets:`"
BROKEN = {
    "no claim": ({"kind": "rises"}, r"mine.yaml:\d+: effects\[0\].claim: Field required"),
    "claim of two lines": (RISES | {"claim": "a\nb"}, r"effects\[0\].claim"),
    "unknown kind": (RISES | {"kind": "raises"}, r"effects\[0\].kind: .*'rises', 'falls', 'peaks'"),
    "unknown key": (
        RISES | {"alng": 1},
        r"effects\[0\].alng: unknown key \(did you mean along\?\); valid: claim, kind",
    ),
    "no axis": ({**RISES, "along": None}, r"effects\[0\]: the kind rises needs `along:`"),
    "nothing to compare with": (ABOVE | {"over": None}, r"the kind above needs `over:`"),
    "an axis too many": (ABOVE | {"kind": "collapses", "along": "predict"}, r"\.along: the kind collapses takes no"),
    "no method": (RISES | {"of": {}}, r"effects\[0\].of: `method:` is missing; valid: scarf, raw, simclr, byol"),
    "unknown method": (
        RISES | {"of": {"method": "scraf"}},
        r"of.method: unknown method 'scraf' \(did you mean scarf\?\)",
    ),
    "unknown method among several": (RISES | {"of": {"method": ["scarf", "x"]}}, r"of.method: unknown method 'x'"),
    "unknown method over": (ABOVE | {"over": {"method": "moco"}}, r"over.method: unknown method 'moco'; valid: scarf"),
    "unknown parameter": (
        RISES | {"of": {"method": "scarf", "temprature": 1}},
        r"effects\[0\].of: unknown parameter 'temprature' \(did you mean temperature\?\)",
    ),
    "value that is not planned": (
        RISES | {"of": {"method": "scarf", "train.batch_size": 128}},
        r"of.train.batch_size: no planned cell has 128; planned: 32, 64",
    ),
    "one for true": (ABOVE | {"of": BYOL | {"predict": 1}}, r"of.predict: no planned cell has 1; planned: True, False"),
    "values that are not planned together": (
        RISES | {"of": {"method": "simclr", "temperature": 1.0, "view.min_area": 0.5}},
        r"effects\[0\].of: no planned cell has all of",
    ),
    "unknown axis": (
        RISES | {"along": "temprature"},
        r"along: unknown axis 'temprature' \(did you mean temperature\?\)",
    ),
    "steeper along what is measured": (
        RISES | {"kind": "steeper", "over": BYOL, "along": "shared_information"},
        r"along: unknown axis 'shared_information'",
    ),
    "unknown data set": (RISES | {"datasets": ["vine"]}, r"effects\[0\].datasets: unknown data set 'vine'"),
    "data set without the method": (ABOVE | {"datasets": ["wine"]}, r"effects\[0\].of: no planned cell on wine"),
    "axis of one point": (
        RISES | {"of": {"method": "scarf", "temperature": 0.5}},
        r"along: rises needs 2 or more points of temperature on wine, breast_cancer; planned: 1 \(0.5\)",
    ),
    "peak of two points": (
        RISES | {"kind": "peaks", "along": "train.batch_size"},
        r"along: peaks needs 3 or more points of train.batch_size on wine, breast_cancer; planned: 2 \(32, 64\)",
    ),
    "slopes without common points": (
        RISES | {"kind": "steeper", "along": "train.batch_size", "over": {"method": "simclr"}},
        r"along: steeper needs 2 or more points of train.batch_size in `of` and in `over`",
    ),
    "no data set in common": (
        ABOVE | {"of": {"method": "scarf"}, "datasets": ["wine"]},
        r"over: no planned cell on wine",
    ),
    "no data set in common at all": (
        ABOVE | {"of": {"method": "scarf"}},
        r"have no cells on the same data set \(wine, ",
    ),
    "cells on both sides": (ABOVE | {"of": BYOL | {"predict": False}, "over": BYOL}, r"`of` and `over` share 2 cells"),
    "data set beside none": (TWO | {"over": {"method": "raw"}}, NAMED_TWICE),
    "data set of another kind": (RISES | {"of": TWO["of"]}, NAMED_TWICE),
    "two data sets along an axis": (TWO | {"along": "temperature"}, NAMED_TWICE),
    "two data sets among some": (TWO | {"datasets": ["wine", "breast_cancer"]}, NAMED_TWICE),
    "unknown data set beside": (
        TWO | {"over": {"method": "scarf", "dataset": "vine"}},
        r"effects\[0\].over.dataset: unknown data set 'vine' \(did you mean wine\?\)",
    ),
    "data set that the method does not run on": (
        TWO | {"of": BYOL | {"dataset": "wine"}},
        r"effects\[0\].of: no planned cell has all of",
    ),
    "two metrics": (
        TWO | {"of": BYOL | {"dataset": "digits"}},
        r"the data sets have different metrics: auroc, balanced_accuracy",
    ),
    "no pair of equal tasks": ({"claim": "c", "kind": "splits", "of": BYOL}, r"no two configurations on digits that"),
}


@pytest.fixture
def planned(benchmark_file):
    def make(*stated):
        return Plan(benchmark_file(FILE + yaml.safe_dump({"effects": list(stated)})))

    return make


@pytest.mark.parametrize("case", BROKEN)
def test_an_effect_that_cannot_be_judged_is_refused_with_its_place(case, planned):
    stated, message = BROKEN[case]
    with pytest.raises(BenchmarkError, match="mine.yaml") as caught:
        planned(stated)
    assert re.search(message, str(caught.value), re.DOTALL), caught.value


def test_what_is_compared_is_what_the_words_say(planned):
    plan = planned(RISES, ABOVE, RISES | {"of": {"method": "simclr"}}, RISES | {"along": "effective_rank"})
    found = [effects.comparisons(plan, effect) for effect in plan.spec.effects]
    scarf = {comparison.dataset: comparison.of for comparison in found[0]}
    assert scarf.keys() == {"wine", "breast_cancer"}
    assert list(scarf["wine"]) == [0.1, 0.5, 1.0]
    assert [len(cells) for cells in scarf["wine"].values()] == [4, 4, 4]  # two batch sizes, two seeds
    (above,) = found[1]
    assert (above.dataset, len(above.of["of"]), len(above.over["over"])) == ("digits", 4, 6)  # at the min_area of byol
    (simclr,) = found[2]
    assert {len(cells) for cells in simclr.of.values()} == {2}  # the other grid's cells have another min_area
    assert effects.is_measured(plan, plan.spec.effects[3])
    assert len(found[3][0].of) == 6  # each configuration is a point


def test_two_data_sets_are_compared(planned):
    plan = planned(TWO | {"of": {"method": "raw", "dataset": "digits"}, "over": {"method": "scarf", "dataset": "wine"}})
    (found,) = effects.comparisons(plan, plan.spec.effects[0])
    assert {cell.dataset for cell in found.of["of"]} == {"digits"}
    assert {cell.dataset for cell in found.over["over"]} == {"wine"}


def test_an_effect_changes_the_report_and_no_cell(planned):
    bare, stated = planned(), planned(RISES)
    assert bare.cells == stated.cells
    assert [bare.cell_job("pretrain", c) for c in bare.cells] == [stated.cell_job("pretrain", c) for c in stated.cells]
    assert bare.digest != stated.digest


def test_a_list_admits_any_of_its_values(planned):
    plan = planned({"claim": "c", "kind": "rises", "of": {"method": ["scarf", "simclr"]}, "along": "temperature"})
    (effect,) = plan.spec.effects
    methods = {cell.method for comparison in effects.comparisons(plan, effect) for cell in comparison.cells}
    assert methods == {"scarf", "simclr"}
    some = effects.selected(plan, {"method": "scarf", "temperature": [0.1, 1]}, ["wine"])["wine"]
    assert {plan.flat(cell)["temperature"] for cell in some} == {0.1, 1.0}
