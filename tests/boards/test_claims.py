from pathlib import Path

import pandas as pd
import pytest
import yaml

from diptych import catalog, claims
from diptych.plan import Plan

FILE = Path(__file__).parents[2] / "benchmarks" / "claims.yaml"


def measured(values, **other):
    about = {"dataset": "d", "method": "m", "probe": "p", "metric": "accuracy", "condition": "", "config": "1"}
    rows = [about | {"settings": {"encoder.dim": "100"}, "value": value} | other for value in values]
    return pd.DataFrame(rows)


def claim(value, **other):
    about = {"dataset": "d", "method": "m", "probe": "p", "kind": "published", "source": "s"}
    return claims.Claim(**about | {"values": {"accuracy": value}, "mark": "read", "file": "f"} | other)


def verdict(value, scores, **other):
    (found,) = claims.compare((claim(value, **other),), scores)
    return found


def test_every_registered_claim_names_what_the_suite_has():
    for known in claims.load(FILE):
        assert known.dataset in catalog.datasets()
        assert known.method in catalog.components("methods")
        assert known.probe in catalog.components("probes")
        assert known.values.keys() <= catalog.components("metrics").keys()
        assert known.condition.rpartition("-")[0] in {"", *catalog.components("corruptions")}


def test_both_published_studies_are_registered_as_read():
    read = [c for c in claims.load(FILE) if c.mark == "read" and c.kind == "published"]
    assert {(c.dataset, c.method) for c in read} >= {("ecg200", "ts2vec"), ("darwin", "scarf"), ("darwin", "raw")}
    assert {c.condition for c in read if c.dataset == "ecg200"} == {"", "missing_time-0.2", "missing_time-0.4"}


def test_every_claim_on_cifar_is_for_one_planned_row_with_its_encoder_alone(tmp_path):
    full = Plan(str(FILE.parent / "vision_full.yaml"))
    text = yaml.safe_dump(full.spec.model_dump() | {"encoders": {}, "claims": None})
    (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
    small = Plan(str(tmp_path / "small.yaml"))  # the same file with the small conv net
    ours = [c for c in claims.load(FILE) if c.dataset == "cifar10_jpeg"]
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


def test_only_read_numbers_count():
    assert verdict(0.9, measured([0.9, 0.9]))["counts"]
    assert not verdict(0.9, measured([0.9, 0.9]), mark="recalled", file="")["counts"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("claims: []", "claims"),
        ("claims: 3", "claims"),
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
