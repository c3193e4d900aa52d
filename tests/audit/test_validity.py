"""What a whole board says against itself: each warning appears where it should, and nowhere else."""

from types import SimpleNamespace

import numpy as np
import pytest
from boards.world import World

from diptych import aggregate, track
from diptych.audits import validity
from diptych.audits.kept import Kept
from diptych.audits.leakage import APART, _alike, _apart
from diptych.audits.shuffles import explained
from diptych.audits.tuning import CHOICES
from diptych.data.samples import Samples
from diptych.records import read_table, write_npz
from diptych.stats import Summary

ROWS = {"label": np.repeat([0, 1], 20), "split": (np.arange(40) % 2).astype(np.uint8)}
SKILLS = {"simclr": 1.5, "byol": 1.4, "random": 0.4, "supervised": 2.6}


def published(home, **skills):
    """A tracked board of three seeds."""
    world = World(
        root=home / "results",
        modalities={"ecg200": "series"},
        grids={name: [{}] for name in SKILLS},
        skills=SKILLS | skills,
        seeds=(0, 1, 2),
    ).write()
    track.sync(world)
    aggregate.write(world, "", world.root / "boards" / world.name)
    return world


def warned(world):
    """Checks with a finding, and their cells."""
    found = list(validity.board(Kept(world)))
    assert {f.severity for f in found} <= {"warning"}
    return {(f.check, f.cell.rpartition("/")[0] or f.cell) for f in found}


def shuffled(world, values):
    """The board with other accuracies of simclr's seeds on permuted labels."""
    path = world.root / "boards" / world.name / "results.parquet"
    table = read_table(path)
    hit = (table["corruption"] == "permuted") & (table["metric"] == "accuracy") & (table["method"] == "simclr")
    hit &= table["embedding"] == "backbone"
    table.assign(value=table["value"].mask(hit, table["seed"].map(dict(enumerate(values))))).to_parquet(path)
    return world


def test_a_sound_board_is_not_warned_of(tmp_path):
    assert warned(published(tmp_path)) == set()


def test_a_leak_of_labels_is_warned_of_and_a_lucky_shuffle_is_not(tmp_path):
    told = [explained(ROWS["label"], ROWS["split"], seed, "accuracy") for seed in range(3)]
    lucky, plain = int(np.argmax(told)), int(np.argmin(told))
    assert told[lucky] > 0.9 > 0.5 > told[plain]
    leak, world = {("permuted", "ecg200/simclr")}, published(tmp_path)
    for cell in world.cells:
        write_npz(world.files(cell).data, ROWS)
    assert warned(shuffled(world, [0.95 if seed == lucky else 0.3 for seed in range(3)])) == set()
    assert warned(shuffled(world, [0.95 if seed == plain else 0.3 for seed in range(3)])) == leak
    assert warned(shuffled(world, [0.95, 0.96, 0.94])) == leak


@pytest.mark.parametrize(
    ("skills", "expected"),
    [
        ({"simclr": -2.0}, {("controls", "ecg200/simclr")}),
        ({"supervised": 0.4}, {("range", "ecg200")}),
        ({"simclr": 99.0, "byol": 99.0, "supervised": 99.0}, {("range", "ecg200")}),
    ],
)
def test_methods_below_random_and_scores_without_room_are_warned_of(tmp_path, skills, expected):
    assert warned(published(tmp_path, **skills)) == expected


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (Summary(0.79, 0.01, 3), False),  # by half an sd and no more than seeds differ
        (Summary(0.70, 0.01, 3), True),
        (Summary(0.90, 0.01, 3), False),
        (Summary(0.79, np.nan, 1), True),
        (Summary(0.70, 0.0, 3), True),
    ],
)
def test_a_method_below_random_is_so_by_more_than_seeds_differ(own, expected):
    assert validity._clearly_below(own, Summary(0.80, own.sd, own.n), True) == expected


@pytest.mark.parametrize(
    ("probe", "name", "good", "bad"),
    [
        ("linear", "C", [1e-6, 10**0.125, 1e6], [3.0, 1e7]),
        ("svm", "C", [1e-4, 1e4, "inf"], [2.0]),
        ("knn", "k", [1, 200], [2]),
        ("xgboost", "trees", [1, 2000], [0, 2001]),
        ("random_forest", "max_depth", [6], [7]),
        ("finetune", "lr", [3e-4], [0.1]),
        ("finetune", "epochs", [1, 50], [51]),
    ],
)
def test_what_a_probe_can_have_chosen(probe, name, good, bad):
    assert all(CHOICES[probe][name](value) for value in good)
    assert not any(CHOICES[probe][name](value) for value in bad)


def samples(x, modality, **parts):
    n = len(x)
    ids = np.arange(n)
    own = {"key": ids, "id": ids, "label": ids % 2} | parts
    return Samples(modality, x, split=(ids >= n // 2).astype(np.uint8), **own)


@pytest.mark.parametrize("name", ["id", "key", "group"])
def test_what_both_splits_have(name):
    x = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    values = np.arange(40)
    assert not list(_apart(samples(x, "tabular", **{name: values}), "here", "data.npz"))
    values[[25, 30]] = 3
    (found,) = _apart(samples(x, "tabular", **{name: values}), "here", "data.npz")
    assert (found.found, found.severity) == ("1 (2 test rows), the first 3", "error")
    assert APART[found.check] == name


@pytest.mark.parametrize("modality", ["tabular", "series", "text"])
def test_rows_that_are_alike_are_counted(modality):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 6)).astype(np.float32)
    if modality == "series":
        x = x[:, :, None]
        x[:, 4:] = np.nan  # past the end
    if modality == "text":
        x = rng.integers(3, 90, size=(40, 30))
    data = SimpleNamespace(card={"leakage": {}})
    assert list(_alike(samples(x, modality), data)) == []
    x[[30, 31]] = x[[0, 1]]
    x[32] = x[2][::-1] if modality == "text" else x[2] + 1e-4
    found = [seen for _, seen in _alike(samples(x, modality), data)]
    assert found == ["2 of 20 (its card says 0)", "1 of 18 that were looked at"]


NEAR = np.random.default_rng(0).normal(1, 1e-4, (40, 8)).astype(np.float32)  # all embeddings close together


@pytest.mark.parametrize(
    ("before", "findings"),
    [
        pytest.param(1.0 + (NEAR - 1.0) / 2, 0, id="closer-before-training"),
        pytest.param(1.0 + (NEAR - 1.0) * 2, 1, id="farther-before-training"),
    ],
)
def test_near_embeddings_are_a_collapse_only_if_training_brought_them_near(monkeypatch, before, findings):
    """Means over the windows of a normalised series are alike untrained, too; the embed stage calls those ok."""
    monkeypatch.setattr(validity, "_untrained", lambda case: before)
    arrays = {"split": np.zeros(40, np.uint8), "backbone": NEAR}
    said = SimpleNamespace(status="ok", records={"pretrain": {"steps": 1}}, embedding="backbone")
    case = SimpleNamespace(said=said, arrays=lambda role: arrays, place=lambda role: role, name="a/b/c/0")
    assert [f.check for f in validity.collapsed(case)] == ["collapse"] * findings
