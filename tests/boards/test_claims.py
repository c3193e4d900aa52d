from pathlib import Path

import pandas as pd
import pytest
import yaml

from diptych import catalog, claims
from diptych.plan import Plan

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FILE = BENCHMARKS / "claims.yaml"
REGISTRIES = sorted(BENCHMARKS.glob("claims*.yaml"))
NOT_YET = {"clocs", "ncl", "timesurl"}  # methods whose published numbers are registered before the method


def measured(values, **other):
    about = {"dataset": "d", "method": "m", "probe": "p", "metric": "accuracy", "condition": "", "config": "1"}
    rows = [about | {"settings": {"encoder.dim": "100"}, "value": value, "n": 35} | other for value in values]
    return pd.DataFrame(rows)


def claim(value, **other):
    about = {"dataset": "d", "method": "m", "probe": "p", "kind": "published", "source": "s"}
    return claims.Claim(**about | {"values": {"accuracy": value}, "mark": "read", "file": "f"} | other)


def verdict(value, scores, **other):
    (found,) = claims.compare((claim(value, **other),), scores)
    return found


@pytest.mark.parametrize("file", REGISTRIES, ids=lambda file: file.stem)
def test_every_registered_claim_names_what_the_suite_has(file):
    registry = claims.load(file)
    assert {known.method for known in registry.elsewhere} <= {*catalog.components("methods"), *NOT_YET}
    for known in registry.claims:
        assert known.dataset in catalog.datasets()
        assert known.method in catalog.components("methods")
        assert known.probe in catalog.components("probes")
        assert known.values.keys() <= catalog.components("metrics").keys()
        assert known.condition.rpartition("-")[0] in {"", *catalog.components("corruptions")}


@pytest.mark.parametrize(("name", "method"), [("series", "ts2vec"), ("mcl", "mcl"), ("tloss", "tloss")])
def test_every_set_of_a_reproduction_has_one_read_claim_with_the_planned_settings(name, method):
    plan = Plan(str(BENCHMARKS / f"reproduce_{name}.yaml"))
    registered = [c for file in plan.spec.registries for c in claims.load(BENCHMARKS / file).claims]
    own = [c for c in registered if c.method == method and c.mark == "read" and c.dataset in plan.cards]
    assert sorted(c.dataset for c in own) == sorted(plan.cards)
    for known in own:
        assert known.probe == plan.spec.rank_by.probe
        (settings,) = {str(plan.flat(c)): plan.flat(c) for c in plan.cells if c.method == method}.values()
        assert known.settings.items() <= settings.items()


def test_both_published_studies_are_registered_as_read():
    read = [c for c in claims.load(FILE).claims if c.mark == "read" and c.kind == "published"]
    assert {(c.dataset, c.method) for c in read} >= {("ecg200", "ts2vec"), ("darwin", "scarf"), ("darwin", "raw")}
    assert {c.condition for c in read if c.dataset == "ecg200"} == {"", "missing_time-0.2", "missing_time-0.4"}


def test_every_claim_on_cifar_is_for_one_planned_row_with_its_encoder_alone(tmp_path):
    full = Plan(str(FILE.parent / "vision_full.yaml"))
    text = yaml.safe_dump(full.spec.model_dump() | {"encoders": {}, "claims": None})
    (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
    small = Plan(str(tmp_path / "small.yaml"))  # the same file with the small conv net
    ours = [c for c in claims.load(FILE).claims if c.dataset == "cifar10_jpeg"]
    assert {"supcon", "simclr", "moco", "byol", "simsiam", "swav", "dcl", "rotation"} <= {c.method for c in ours}
    for known in ours:
        assert known.settings["encoder.name"] == "resnet18"
        for plan, configs in ((full, 1), (small, 0)):
            cells = [c for c in plan.cells if (c.method, c.dataset) == (known.method, "cifar10_jpeg")]
            assert cells
            points = {c.config: {name: str(value) for name, value in plan.flat(c).items()} for c in cells}
            asked = {name: str(value) for name, value in known.settings.items()}
            assert sum(asked.items() <= point.items() for point in points.values()) == configs, known


@pytest.mark.parametrize(
    ("value", "values", "expected"),
    [
        (0.90, [0.90, 0.92, 0.88], "inside"),
        (0.93, [0.90, 0.92, 0.88], "inside"),  # 1.5 sd away
        (0.99, [0.90, 0.92, 0.88], "outside"),
        ((0.85, 0.92), [0.90, 0.90, 0.90], "inside"),
        ((0.95, 0.99), [0.90, 0.90, 0.90], "outside"),
        (0.886, [31 / 35, 31 / 35], "inside"),  # equal up to the printed digits
        (30 / 35, [31 / 35, 31 / 35], "inside"),  # one test row
        (29 / 35, [31 / 35, 31 / 35], "outside"),
        (0.99, [0.9], "outside (one seed: no spread)"),
        (0.99, [], "not measured"),
    ],
)
def test_verdict(value, values, expected):
    assert verdict(value, measured(values or [0.5], metric="accuracy" if values else "auroc"))["verdict"] == expected


def test_difference_is_to_the_nearer_end_of_the_range():
    assert verdict((0.92, 0.94), measured([0.90, 0.90]))["difference"] == pytest.approx(-0.02)
    assert verdict((0.92, 0.94), measured([0.93, 0.93]))["difference"] == 0
    assert verdict(0.94, measured([0.95, 0.97]))["difference"] == pytest.approx(0.02)


def test_settings_single_out_a_point_of_a_grid():
    both = pd.concat([measured([0.9, 0.9]), measured([0.5, 0.5], settings={"encoder.dim": "16"}, config="2")])
    assert verdict(0.9, both)["verdict"].startswith("ambiguous")
    assert verdict(0.9, both, settings={"encoder.dim": 100})["mean"] == pytest.approx(0.9)
    assert verdict(0.9, both, settings={"encoder.dim": 7})["verdict"] == "not measured"


def differing(**by_dataset):
    """Claims and scores of which the measured mean is so much above the claim, by data set."""
    known = [claim(0.8, dataset=name, mark="read") for name in by_dataset]
    scores = [measured([0.8 + d, 0.8 + d], dataset=name) for name, d in by_dataset.items()]
    return known, pd.concat(scores)


def test_agreement_is_the_mean_over_data_sets():
    known, scores = differing(a=0.02, b=-0.04)
    known.append(claim(0.78, dataset="b"))  # measured: 0.02 below; a second claim on one data set is no second data set
    (found,) = claims.agreement(claims.compare(tuple(known), scores))
    assert found["datasets"] == 2
    assert found["absolute"] == pytest.approx((0.02 + 0.03) / 2)
    assert found["difference"] == pytest.approx((0.02 - 0.03) / 2)


def test_agreement_is_told_apart_by_method_probe_metric_condition_and_kind():
    known, scores = differing(a=0.01)
    others = [claim(0.8, dataset="a", kind=kind) for kind in ("rerun", "reimplemented")]
    found = claims.agreement(claims.compare((*known, *others), scores))
    assert [line["kind"] for line in found] == ["published", "rerun", "reimplemented"]
    assert all(line["absolute"] == pytest.approx(0.01) for line in found)


def test_agreement_leaves_out_what_was_recalled_not_measured_or_ambiguous():
    known, scores = differing(a=0.01)
    others = [claim(0.1, dataset="a", mark="recalled", file=""), claim(0.1, dataset="not measured")]
    both = pd.concat([scores, measured([0.1], dataset="b"), measured([0.2], dataset="b", config="2")])
    (found,) = claims.agreement(claims.compare((*known, *others, claim(0.9, dataset="b")), both))
    assert found["datasets"] == 1
    assert claims.agreement([]) == []


def test_numbers_on_data_that_is_not_here_are_registered_but_not_compared(tmp_path):
    file = tmp_path / "claims.yaml"
    about = "method: ts_tcc, data: HAR, values: {accuracy: 0.9}, closest: c, source: s"
    file.write_text(f"elsewhere: [{{{about}, mark: recalled}}]", encoding="utf-8")
    registry = claims.load(file)
    assert registry.claims == ()
    assert [(known.method, known.values) for known in registry.elsewhere] == [("ts_tcc", {"accuracy": 0.9})]


def test_only_read_numbers_count():
    assert verdict(0.9, measured([0.9, 0.9]))["counts"]
    assert not verdict(0.9, measured([0.9, 0.9]), mark="recalled", file="")["counts"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("claims: []", "claims"),
        ("claims: 3", "claims"),
        ("elsewhere: [{method: m, data: d, source: s, mark: recalled}]", "elsewhere.0.closest"),
        ("elsewhere: [{method: m, data: d, closest: c, source: s, mark: read}]", "`file`"),
        ("nothing", "file"),
        ("claims: [{dataset: d}]", "claims.0.method"),
        ("claims: [{dataset: d, method: m, probe: p, values: {a: 1}, kind: published, source: s, mark: read}]", "file"),
        (
            "claims: [{dataset: d, method: m, probe: p, values: {a: [2, 1]}, kind: rerun, source: s, mark: recalled}]",
            "low",
        ),
        ("claims: [{typo: 1}]", "typo"),
        ("claims: [", "cannot be read"),
    ],
)
def test_a_broken_registry_names_file_and_place(tmp_path, text, said):
    file = tmp_path / "claims.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(claims.ClaimsError, match=said) as error:
        claims.load(file)
    assert str(file) in str(error.value)


def test_an_absent_registry_is_an_error(tmp_path):
    with pytest.raises(claims.ClaimsError, match="cannot be read"):
        claims.load(tmp_path / "none.yaml")
