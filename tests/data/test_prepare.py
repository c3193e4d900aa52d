import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

from diptych.data import breast_cancer, digits, wine
from diptych.data._encoding import encode
from diptych.data._rows import digests, take
from diptych.data._splits import cap
from diptych.data._text import Tokenizer
from diptych.data.base import DataError, Raw
from diptych.data.card import Card
from diptych.data.prepare import empty, prepare
from diptych.data.samples import GraphArrays, from_arrays, to_arrays
from diptych.records import read_json, read_npz
from diptych.stages import download
from diptych.stages import prepare as stage

TEXTS = [*load_breast_cancer().DESCR.splitlines(), *load_wine().DESCR.splitlines()]


def card(modality="tabular", **changes) -> Card:
    rest = {"name": "some", "title": "some", "metric": "auroc", "sources": (), "licence": "-", "citation": "-"}
    return Card(**(rest | {"modality": modality, "split": "stratified"} | changes))


def series(lengths=(5, 7, 6, 4), channels=2):
    rng = np.random.default_rng(0)
    return [(rng.normal(3, 2, (t, channels)) * [1, 100][:channels]).astype(np.float32) for t in lengths]


# ------------------------------------------------------------------ statistics see training rows only


def _shuffled_bytes(x, row):
    x = x.copy()
    x[row] = 255 - x[row]
    return x


def _changed_table(x, row):
    x = x.copy()
    x.iloc[row] = x.iloc[row] * 50 + 7
    return x


def _replaced(value):
    return lambda x, row: [value if i == row else sample for i, sample in enumerate(x)]


IMAGES = digits.read({}).x[:20]
PAIRS = {"image": IMAGES[:10], "text": TEXTS[10:20]}
CASES = {
    "image": (card("image"), IMAGES, _shuffled_bytes),
    "series": (card("series"), series(), _replaced(np.full((5, 2), 1e6, np.float32))),
    "tabular": (card(), wine.read({}).x[:20], _changed_table),
    "text": (card("text"), TEXTS[:20], _replaced("zygote zygote zygote quixotic quixotic")),
    "image_text": (
        card("image_text", classes=("a", "b"), prompts=("one {}", "{}")),
        PAIRS,
        lambda x, row: {"image": _shuffled_bytes(x["image"], row), "text": _replaced("zygote zygote")(x["text"], row)},
    ),
}


@pytest.mark.parametrize("modality", CASES)
def test_statistics_do_not_see_test_rows(modality):
    stated, x, change = CASES[modality]
    n = len(x["text"] if isinstance(x, dict) else x)
    last = np.arange(n) < n - 1  # the last row is a test row
    before, after = encode(x, last, stated), encode(change(x, n - 1), last, stated)
    assert before.statistics.keys() == after.statistics.keys() != set()
    for name, statistic in before.statistics.items():
        assert np.array_equal(statistic, after.statistics[name]), name
    touched = encode(change(x, 0), last, stated)
    assert any(not np.array_equal(s, touched.statistics[n]) for n, s in before.statistics.items())


# ------------------------------------------------------------------ encodings


def test_images_keep_their_bytes_and_state_train_statistics():
    train = np.arange(20) < 15
    encoded = encode(IMAGES, train, card("image"))
    assert np.array_equal(np.rint(encoded.x[:, 0] * 255), IMAGES[..., 0])
    mean, sd = encoded.facts["statistics"]["mean"][0], encoded.facts["statistics"]["sd"][0]
    assert np.allclose([mean, sd], [(IMAGES[:15] / 255).mean(), (IMAGES[:15] / 255).std()])


def test_multivariate_series_are_padded_and_scaled_by_channel():
    x, train = series(), np.array([True, True, True, False])
    encoded = encode(x, train, card("series"))
    assert encoded.x.shape == (4, 7, 2)
    assert np.array_equal(np.isnan(encoded.x).sum(1)[:, 0], [2, 0, 1, 3])
    pooled = np.concatenate(x[:3])
    assert np.allclose(encoded.x[3, :4], (x[3] - pooled.mean(0)) / pooled.std(0), atol=1e-5)


def test_z_scored_series_are_left_alone_and_others_scaled_as_a_whole():
    raw = series((9, 9, 9, 9), channels=1)
    scored = [((s - s.mean()) / s.std()).astype(np.float32) for s in raw]
    everything = np.ones(4, bool)
    assert np.array_equal(encode(scored, everything, card("series")).x, np.stack(scored))
    scaled = encode(raw, everything, card("series")).x
    assert np.allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-5)
    assert not np.allclose(scaled.mean(1), 0, atol=1e-2)


def test_table_columns():
    table = pd.DataFrame(
        {
            "number": [1.0, 3.0, np.nan, 5.0, 100.0],
            "constant": [2.0, 2.0, 2.0, 2.0, 9.0],
            "word": ["b", "a", None, "b", "unseen"],
            "plain": ["x", "y", "x", "y", "unseen"],
            "nothing": [np.nan] * 4 + [1.0],
        }
    )
    encoded = encode(table, np.array([True] * 4 + [False]), card())
    seen = np.array([1.0, 3.0, 5.0])
    assert list(encoded.notes["dropped"]) == ["constant", "nothing"]
    assert encoded.notes["columns"] == ["number", "word", "plain"]
    assert encoded.statistics["field"].tolist() == [0, 1, 1, 1, 2, 2]
    assert np.isnan(encoded.x[2, 0])
    assert np.allclose(encoded.x[[0, 4], 0], (np.array([1.0, 100.0]) - seen.mean()) / seen.std())
    # levels b, a, other: a missing word is a level because training rows have one; unseen falls into it
    assert encoded.x[:, 1:4].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]]
    assert encoded.x[:, 4:].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1], [0, 0]]
    assert np.allclose(encoded.statistics["impute"], [0, 0.5, 0.25, 0.25, 0.5, 0.5], atol=1e-6)


def test_rare_levels_share_one_column():
    words = [f"w{i:03}" for i in range(200)] + ["common"] * 10
    encoded = encode(pd.DataFrame({"id": words, "n": np.arange(210.0)}), np.ones(210, bool), card())
    assert encoded.x.shape == (210, 52)
    assert encoded.x[:, :51].sum(1).tolist() == [1.0] * 210


def test_tokens():
    tokenizer = Tokenizer.train(TEXTS)
    tokens, cut = tokenizer.encode(["the mean radius", "", "radius " * 100])
    assert (tokens[:, 0] == 2).all()
    assert tokens.shape == (3, 64)
    assert (tokens[1, 1:] == 0).all()
    assert cut == 1
    assert (tokens != 1).all(), "byte-level tokens know every text"
    again, _ = Tokenizer.restored(tokenizer.stored()).encode(["the mean radius", "", "radius " * 100])
    assert np.array_equal(tokens, again)
    assert "mean radius" in tokenizer.model.decode(tokens[0].tolist())


def test_vocabulary_is_the_same_in_every_process():
    code = (
        "from pydoc_data.topics import topics; from diptych.data._text import Tokenizer; import hashlib; "
        "print(hashlib.sha256(Tokenizer.train(list(topics.values())).stored().tobytes()).hexdigest())"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    assert len({run.stdout for run in runs}) == 1


def test_prompts_stand_class_by_class():
    stated, x, _ = CASES["image_text"]
    encoded = encode(x, np.ones(10, bool), stated)
    tokenizer = Tokenizer.restored(encoded.statistics["tokenizer"])
    texts = [tokenizer.model.decode(row.tolist()).strip() for row in encoded.statistics["prompts"]]
    assert texts == ["one a", "a", "one b", "b"]


# ------------------------------------------------------------------ splits, caps, leakage


def test_darwin_like_split_has_139_and_35_rows():
    raw = breast_cancer.read({})
    part = Raw(raw.x[:174], raw.label[:174])
    split = prepare(part, card(classes=("malignant", "benign"), n=174), seed=0).samples.split
    assert np.bincount(split).tolist() == [139, 35]


def test_seeded_split_keeps_class_shares_and_twins_together():
    raw = breast_cancer.read({})
    twins = Raw(pd.concat([raw.x, raw.x[:200]], ignore_index=True), np.concatenate([raw.label, raw.label[:200]]))
    done = prepare(twins, card(), seed=5)
    split = done.samples.split
    assert np.array_equal(split[:200], split[569:])
    assert done.leakage["duplicate_training_rows"] == int((split[:200] == 0).sum())
    shares = [np.mean(done.samples.label[split == part]) for part in (0, 1)]
    assert abs(shares[0] - shares[1]) < 0.1


def test_groups_stay_whole_and_seeds_differ():
    raw = breast_cancer.read({})
    grouped = replace(raw, group=np.arange(569) // 10)
    stated = card(split="grouped", group="patient")
    splits = [prepare(grouped, stated, seed=seed).samples for seed in (0, 1)]
    for samples in splits:
        assert not set(samples.group[samples.split == 0]) & set(samples.group[samples.split == 1])
        assert 0.15 < samples.split.mean() < 0.25
    assert not np.array_equal(splits[0].split, splits[1].split)


def test_seeds_draw_different_groups_where_there_are_few():
    grouped = replace(breast_cancer.read({}), group=np.arange(569) // 57)
    stated = card(split="grouped", group="site")
    prepared = [prepare(grouped, stated, seed=seed).samples for seed in range(8)]
    tests = {tuple(np.unique(samples.group[samples.split == 1])) for samples in prepared}
    assert len(tests) >= 7
    for samples in prepared:
        shares = [np.mean(samples.label[samples.split == part]) for part in (0, 1)]
        assert abs(shares[0] - shares[1]) < 0.25


@pytest.mark.parametrize("what", ["group", "key"])
def test_group_or_key_in_both_official_splits_is_an_error(what):
    raw = wine.read({})
    test = np.arange(178) % 5 == 0
    shared = np.arange(178)
    shared[[7, 10]] = 1000
    with pytest.raises(DataError, match=rf"leakage: {what} 1000 \(1 in all\) is in both splits"):
        prepare(replace(raw, test=test, **{what: shared}), card(split="official"), seed=0)


def test_identical_rows_of_an_official_split_are_reported_and_left():
    raw = wine.read({})
    x = raw.x.copy()
    test = np.arange(178) % 5 == 0
    x.iloc[[0, 5]] = x.iloc[1].to_numpy()
    done = prepare(Raw(x, raw.label, test), card(split="official"), seed=0)
    assert done.leakage["test_rows_identical_to_a_training_row"] == 2
    assert np.array_equal(done.samples.split, test)
    assert any("2 test rows are identical" in caveat for caveat in done.card.caveats)


def test_caps_are_nested_by_class_and_hold_both_splits():
    label = np.repeat([0, 1, 2], [700, 250, 50])
    split = (np.arange(1000) % 4 == 0).astype(np.uint8)
    small, large = (cap(split, label, rows, 0) for rows in (40, 200))
    assert set(small) < set(large)
    assert np.bincount(split[large]).tolist() == [200, 200]
    assert np.allclose(np.bincount(label[large]) / 400, [0.7, 0.25, 0.05], atol=0.02)
    assert set(label[small]) == {0, 1, 2}
    with pytest.raises(DataError, match="cap of 2 rows cannot hold the 3 classes"):
        cap(split, label, 2, 0)


@pytest.mark.parametrize(
    ("raw", "stated", "message"),
    [
        (Raw(wine.read({}).x, np.array(["one"] * 178)), card(), "one class only"),
        (Raw(wine.read({}).x, wine.read({}).label), card(n=99), "the card says n 99, the data have 178"),
        (Raw(wine.read({}).x, wine.read({}).label), card(classes=("a", "b")), "the card says classes"),
        (Raw(wine.read({}).x[:10], wine.read({}).label), card(), "10 samples and 178 labels"),
        (Raw(wine.read({}).x[:4], np.array(["a", "a", "b", "c"])), card(), "too few rows: 2 of 3 classes have one"),
        (Raw(wine.read({}).x[:4], np.array(list("aabb"))), card(split="official"), "the data have none"),
        (
            Raw(wine.read({}).x[:4], np.array(list("aabc")), np.array([False, False, True, True])),
            card(split="official"),
            "2 classes are in the test split only",
        ),
        (
            Raw(wine.read({}).x[:4], np.array(list("abaa")), np.array([False, False, True, True])),
            card(split="official"),
            "fewer than two classes",
        ),
        (
            Raw(wine.read({}).x, wine.read({}).label, group=np.zeros(178)),
            card(split="grouped", group="site"),
            "all rows are in one site",
        ),
        (Raw(wine.read({}).x * 0, wine.read({}).label), card(split="grouped", group="g"), "promises groups"),
    ],
)
def test_unusable_data_are_clear_errors(raw, stated, message):
    with pytest.raises(DataError, match=message):
        prepare(raw, stated, seed=0)


def test_empty_samples_of_every_modality_are_valid():
    for modality in ("image", "series", "tabular", "text", "graph", "image_text"):
        arrays = to_arrays(empty(card(modality)))
        assert len(from_arrays(arrays)) == 0


def test_graphs_are_cut_to_rows():
    edges = np.array([[0, 1, 0, 2], [1, 0, 2, 0]])
    graphs = GraphArrays(np.eye(6, dtype=np.float32), np.array([0, 2, 3, 6]), edges, np.array([0, 2, 2, 4]))
    repeated = np.array([2, 0, 2])
    chosen = take(graphs, repeated)
    assert chosen.node_offsets.tolist() == [0, 3, 5, 8]
    assert chosen.edges.tolist() == [[0, 2, 0, 1, 0, 2], [2, 0, 1, 0, 2, 0]]
    assert len(set(digests(chosen))) == 2


# ------------------------------------------------------------------ stage


def test_stage_writes_the_same_bytes_twice(cache, tmp_path):
    job = {"stage": "prepare", "dataset": "wine", "own": None, "seed": 0, "rows": 50, "corruption": None, "code": "c"}
    source = tmp_path / "source.json"
    download.run(job, source=source)
    written = []
    for name in ("one", "two"):
        data, record = tmp_path / name / "data.npz", tmp_path / name / "card.json"
        stage.run(job, source=source, data=data, card=record)
        written.append((data.read_bytes(), record.read_bytes()))
    assert written[0] == written[1]
    record = read_json(tmp_path / "one" / "card.json")
    assert record["status"] == "ok"
    assert record["facts"]["n_train"] == 50
    assert record["encoding"]["rows_published"] == 178
    assert sum(record["counts"]["train"].values()) == 50
    assert record["fingerprints"].keys() >= {"x", "label", "split", "key", "id", "stat_field"}


def test_damage_before_pretraining_reaches_both_splits_and_not_the_statistics(cache, tmp_path):
    job = {"stage": "prepare", "dataset": "wine", "own": None, "seed": 0, "rows": None, "code": "c"}
    source = tmp_path / "source.json"
    download.run(job, source=source)
    found = {}
    for severity in (None, 0.0, 0.4):
        damage = None if severity is None else {"name": "missing_mcar", "severity": severity}
        data, record = tmp_path / f"{severity}.npz", tmp_path / f"{severity}.json"
        stage.run(job | {"corruption": damage}, source=source, data=data, card=record)
        found[severity] = from_arrays(read_npz(data))
    clean, untouched, damaged = found.values()
    assert np.array_equal(clean.x, untouched.x)
    for part in (0, 1):
        missing = np.isnan(damaged.x[damaged.split == part]).mean()
        assert abs(missing - 0.4) < 0.01
    assert all(np.array_equal(damaged.statistics[name], clean.statistics[name]) for name in clean.statistics)
