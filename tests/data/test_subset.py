"""Subsets by size: the same test split, nested, by class, whole objects."""

from dataclasses import replace

import numpy as np
import pytest

from diptych import catalog
from diptych.data import digits
from diptych.data.base import DataError, Raw
from diptych.data.own import card_of
from diptych.data.prepare import prepare
from diptych.data.samples import from_arrays
from diptych.data.subset import board_name, is_board_name, subset_card
from diptych.records import read_json, read_npz
from diptych.stages import download
from diptych.stages import prepare as stage

RAW = digits.read({})


def job(dataset: str, rows: int | None = None, seed: int = 0) -> dict:
    subset = {"subset": {"of": dataset, "rows": rows}} if rows else {}
    name = f"{dataset}_{rows}" if rows else dataset
    return {"dataset": name, "own": None, "seed": seed, "rows": None, "corruption": None, "code": "c"} | subset


def prepared(asked, folder):
    """(samples, record) of a job, by the real stages."""
    source, data, record = (folder / name for name in ("source.json", "data.npz", "card.json"))
    download.run(asked, source=source)
    stage.run(asked, source=source, data=data, card=record)
    return from_arrays(read_npz(data)), read_json(record)


def ids(samples, part):
    return samples.id[samples.split == part].tolist()


@pytest.mark.parametrize("seed", [0, 7])
def test_a_subset_has_the_test_split_of_its_base_and_nests(cache, tmp_path, seed):
    whole, _ = prepared(job("digits", seed=seed), tmp_path)
    small, _ = prepared(job("digits", 100, seed), tmp_path)
    large, record = prepared(job("digits", 500, seed), tmp_path)
    assert ids(small, 1) == ids(large, 1) == ids(whole, 1)
    assert set(ids(small, 0)) < set(ids(large, 0)) < set(ids(whole, 0))
    assert (record["facts"]["n_train"], record["facts"]["n_test"]) == (500, 360)
    assert record["card"]["n"] == 860
    assert (record["card"]["name"], record["card"]["base"]) == ("digits_500", "digits")
    shares = np.bincount(whole.label[whole.split == 0]) / (whole.split == 0).sum()
    assert np.abs(np.bincount(large.label[large.split == 0]) - 500 * shares).max() <= 2
    pixels = RAW.x[ids(large, 0)] / 255
    assert np.allclose(record["facts"]["statistics"]["mean"], pixels.mean()), "statistics see the subset's rows only"


def test_every_seed_sees_the_same_subset_of_an_official_split():
    test = np.arange(len(RAW)) % 5 == 0
    card = subset_card(digits.CARD.model_copy(update={"split": "official", "n_train": int((~test).sum())}), 200)
    first, second = (prepare(replace(RAW, test=test), card, seed=seed).samples for seed in (0, 1))
    assert np.array_equal(first.id, second.id)
    assert np.array_equal(np.flatnonzero(test), ids(first, 1))
    assert len(ids(first, 0)) == 200


def test_a_cap_on_rows_applies_to_the_subset():
    capped = prepare(RAW, subset_card(digits.CARD, 500), seed=0, rows=60).samples
    whole = prepare(RAW, subset_card(digits.CARD, 500), seed=0).samples
    assert np.bincount(capped.split).tolist() == [60, 60]
    assert set(capped.id) < set(whole.id)


def _several(views: int = 3, n: int = 300) -> tuple[Raw, dict]:
    """The first digits, each several times with one pixel changed: rows of one object share a key."""
    x = np.concatenate([RAW.x[:n]] * views)
    for view in range(views):
        x[view * n : (view + 1) * n, 0, 0] = view
    key = np.tile(np.arange(n), views)
    return Raw(x, np.tile(RAW.label[:n], views), key=key, group=key), {"n": n * views, "group": "digit"}


def test_objects_with_several_rows_are_drawn_whole():
    raw, changes = _several()
    card = digits.CARD.model_copy(update=changes | {"split": "grouped"})
    done, smaller = (prepare(raw, subset_card(card, rows), seed=0).samples for rows in (100, 60))
    _, counts = np.unique(done.key[done.split == 0], return_counts=True)
    assert sorted(counts) == [1, *[3] * 33]  # 100 rows are 33 objects and the first row of another
    assert set(smaller.id) < set(done.id)
    assert set(done.label[done.split == 0]) == set(range(10))
    with pytest.raises(DataError, match=r"digits_20: 20 training rows hold under 2 of class '\d'"):
        prepare(raw, subset_card(card, 20), seed=0)


def test_a_size_beyond_a_seeded_training_split_is_an_error_of_preparation():
    twins = np.zeros(len(RAW), np.int64)
    twins[:300] = np.arange(1, 301)  # one group of 1,497 rows and 300 of one: the split is far from its share
    card = digits.CARD.model_copy(update={"split": "grouped", "group": "writer"})
    raw = replace(RAW, group=twins)
    left = int((prepare(raw, card, seed=0).samples.split == 0).sum())
    asked = subset_card(card.model_copy(update={"n_train": 1797}), left + 1)
    with pytest.raises(DataError, match=rf"digits_{left + 1}: the training split of digits has only {left} rows"):
        prepare(raw, asked, seed=0)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("digits", "1438", "training split of digits has only about 1437 rows"),
        ("fashion_mnist", "60001", "training split of fashion_mnist has only 60000 rows"),
        ("cifar10_jpeg", "19", "10 classes need at least 20 training rows, 2 of each"),
        ("digits", "", "a number of training rows was expected after @"),
        ("digits", "many", "a number of training rows was expected after @, such as digits@500"),
        ("digits", "0500", "a number of training rows"),
        ("digits", "-5", "a number of training rows"),
        ("digits", "500@100", "a number of training rows"),
    ],
)
def test_impossible_sizes_are_clear_errors(name, size, message):
    with pytest.raises(DataError, match=message):
        subset_card(catalog.datasets()[name], size)


def test_the_whole_training_split_is_a_size():
    assert subset_card(catalog.datasets()["cifar10_jpeg"], 50_000).n_train == 50_000


def test_a_subset_keeps_its_bases_mirror_folder_and_sources():
    base = catalog.datasets()["cifar10_jpeg"]
    card = card_of({"dataset": "cifar10_jpeg_1000", "subset": {"of": "cifar10_jpeg", "rows": 1000}})
    assert (card.name, card.mirror, card.sources) == ("cifar10_jpeg_1000", "cifar10_jpeg", base.sources)


def test_names_of_subsets_are_no_names_of_data_sets():
    known = catalog.datasets()
    assert board_name("cifar10_jpeg@10000") == "cifar10_jpeg_10000"
    assert is_board_name("digits_500", known)
    assert not any(is_board_name(name, known) for name in known)
