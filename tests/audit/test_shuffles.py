"""Shuffled labels that are learnt: luck of one shuffle, or a leak."""

import numpy as np
import pytest

from diptych.audits.shuffles import Shuffled, explained
from diptych.boards.damage import Permuted
from diptych.boards.frame import Row, Task
from diptych.probes.base import Predictions
from diptych.records import write_json, write_npz
from diptych.stages import probe

LABEL = np.repeat([0, 1, 0, 1], [34, 33, 500, 500])
SPLIT = np.repeat([0, 1], [67, 1000]).astype(np.uint8)


def stray(values, told=()):
    """Scores by seed, with chance at .5 and a limit of .56."""
    score = Permuted(Task("italy", ""), Row("simclr", ""), "linear", "accuracy", dict(enumerate(values)), 0.5, 0.02)
    return Shuffled(score, dict(enumerate(told)))


@pytest.mark.parametrize(
    ("values", "told", "leaks"),
    [
        ([0.50, 0.95, 0.50], [0.46, 1.00, 0.43], False),  # two groups, and a shuffle that tells them rightly
        ([0.50, 0.95, 0.50], [0.46, 0.50, 0.43], True),  # learnt from a shuffle that tells nothing
        ([0.95, 0.94, 0.96], [1.00, 1.00, 1.00], True),  # each may be luck, but not all of them
        ([0.95], [1.0], False),
        ([0.95], [0.5], True),
    ],
)
def test_what_a_shuffle_explains_is_no_leak(values, told, leaks):
    assert stray(values, told).leaks == leaks


def test_a_board_calls_a_leak_what_is_above_chance_in_every_seed():
    lucky, leak = stray([0.50, 0.95, 0.50]).score, stray([0.95, 0.94, 0.96]).score
    assert (lucky.strays, lucky.above, lucky.leaks) == (True, 1, False)
    assert (leak.strays, leak.above, leak.leaks) == (True, 3, True)
    assert not stray([0.55, 0.57, 0.50]).score.strays


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy"])
def test_two_groups_are_named_as_most_of_their_rows_were_told(metric):
    for seed in range(20):
        told, train = np.random.default_rng(seed).permutation(LABEL[:67]), LABEL[:67]
        own = [(told[train == c] == c).mean() for c in (0, 1)]
        found = explained(LABEL, SPLIT, seed, metric)
        if min(own) > 0.5:
            assert found == 1
        elif max(own) < 0.5:
            assert found == pytest.approx(np.mean(own), abs=0.01)


def test_many_rows_of_many_classes_explain_little():
    label = np.arange(4000) % 10
    split = np.repeat([0, 1], 2000).astype(np.uint8)
    assert max(explained(label, split, seed, "accuracy") for seed in range(5)) <= 0.5


def test_the_audit_shuffles_as_the_probe_stage_does(tmp_path, monkeypatch):
    heard = []

    class Listening:
        def prepare(self, train, test):
            return train, test

        def predict(self, prepared, y, groups, classes, seed):
            heard.append(y)
            return Predictions(np.eye(2, dtype=np.float32)[[0] * len(prepared[1])], False)

    monkeypatch.setattr(probe, "load", lambda _: Listening())
    n = len(LABEL)
    write_json(tmp_path / "card.json", {"facts": {"classes": 2}})
    write_json(tmp_path / "embed.json", {"status": "ok", "embeddings": ["z"], "health": {}, "health_rows": 0})
    rows = {"split": SPLIT, "label": LABEL, "id": np.arange(n), "key": np.arange(n)}
    write_npz(tmp_path / "z.npz", rows | {"z": np.zeros((n, 2), np.float32)})
    names = {"card": "card.json", "embed": "embed.json", "embeddings": "z.npz"}
    names |= {"scores": "scores.parquet", "predictions": "predictions.npz", "record": "probe.json"}
    job = {"stage": "probe", "probes": ["linear"], "seed": 5}
    probe.run(job, **{name: tmp_path / file for name, file in names.items()})
    clean, shuffled = heard
    assert (clean == LABEL[:67]).all()
    assert explained(LABEL, SPLIT, 5, "accuracy") >= (shuffled == clean).mean()
    assert (shuffled == np.random.default_rng(5).permutation(clean)).all()
