"""The probe stage on files as the embed stage writes them."""

import numpy as np
import pytest
from sklearn import datasets

from diptych.records import ContractError, read_json, read_npz, read_table, sha256, write_json, write_npz
from diptych.scoring import evaluate
from diptych.stages import probe

JOB = {"stage": "probe", "probes": ["linear", "svm"], "seed": 0, "code": "0"}


def _embedded():
    z, y = datasets.load_wine(return_X_y=True)
    z = ((z - z.mean(0)) / z.std(0)).astype(np.float32)
    rows = np.random.default_rng(0).permutation(len(y))
    rest = {"split": (np.arange(len(y)) % 3 == 0).astype(np.uint8), "label": y[rows], "id": rows, "key": rows}
    return {"backbone": z[rows], "projector": z[rows][:, :4]} | rest


def _pairs(images_per_object=2, noise=0.3):
    """Real measurements as the image, the same with noise as the text, one caption per object."""
    arrays = _embedded()
    z, rng = arrays["backbone"], np.random.default_rng(1)
    text = z + noise * rng.normal(size=z.shape).astype(np.float32)
    prompts = np.stack([z[arrays["label"] == c].mean(0) for c in range(3)])
    rows = np.repeat(np.arange(len(z)), images_per_object)
    arrays = {name: array[rows] for name, array in arrays.items() if name != "projector"}
    image = arrays.pop("backbone") + 0.1 * rng.normal(size=(len(rows), 13)).astype(np.float32)
    arrays |= {
        "image": image,
        "text": text[rows],
        "image_joint": image,
        "text_joint": text[rows],
        "prompt_joint": prompts,
    }
    return arrays | {"id": np.arange(len(rows))}


@pytest.fixture
def files(tmp_path):
    write_json(tmp_path / "card.json", {"facts": {"classes": 3}})
    names = ("card.json", "embeddings.npz", "embed.json", "scores.parquet", "predictions.npz", "probe.json")
    return dict(
        zip(
            ("card", "embeddings", "embed", "scores", "predictions", "record"),
            (tmp_path / n for n in names),
            strict=True,
        )
    )


def _run(files, arrays, names, health=None, **job):
    write_npz(files["embeddings"], arrays)
    write_json(
        files["embed"], {"status": "ok", "reason": "", "embeddings": names, "health": health or {}, "health_rows": 7}
    )
    probe.run(JOB | job, **files)
    return read_table(files["scores"]), read_npz(files["predictions"]), read_json(files["record"])


def _value(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    (value,) = table["value"]
    return value


def test_scores_every_embedding_by_every_probe_and_the_control(files):
    table, predictions, record = _run(files, _embedded(), ["backbone", "projector"])
    assert record["status"] == "ok"
    assert record["job"] == JOB
    rows = {"linear|clean", "svm|clean", "linear|permuted"}
    expected = {f"{name}|{row}|0" for name in ("backbone", "projector") for row in rows}
    assert set(predictions) == expected | {"label", "id"}
    assert set(record["fits"]) == expected
    assert record["fits"]["backbone|linear|clean|0"]["tuned"]["C"] > 0
    assert _value(table, embedding="backbone", probe="linear", corruption="clean", metric="accuracy") > 0.9
    assert _value(table, embedding="backbone", probe="linear", corruption="permuted", metric="accuracy") < 0.65
    assert not table.duplicated(["embedding", "probe", "corruption", "severity", "metric"]).any()


def test_test_rows_are_those_of_the_split_in_their_order(files):
    arrays = _embedded()
    _, predictions, _ = _run(files, arrays, ["backbone"])
    assert np.array_equal(predictions["id"], arrays["id"][arrays["split"] == 1])
    assert np.array_equal(predictions["label"], arrays["label"][arrays["split"] == 1])


def test_every_clean_score_follows_from_the_predictions(files):
    table, predictions, _ = _run(files, _embedded(), ["backbone"])
    for kind in JOB["probes"]:
        again = evaluate(predictions["label"], predictions[f"backbone|{kind}|clean|0"], kind == "linear")
        for metric, (value, reason) in again.items():
            found = table[(table["probe"] == kind) & (table["corruption"] == "clean") & (table["metric"] == metric)]
            np.testing.assert_array_equal(found["value"], [value])
            assert found["reason"].tolist() == [reason]


def test_test_labels_cannot_reach_the_fit(files):
    arrays = _embedded()
    _, first, _ = _run(files, arrays, ["backbone"], probes=["svm", "knn"])
    shuffled = arrays["label"].copy()
    test = arrays["split"] == 1
    shuffled[test] = np.random.default_rng(0).permutation(shuffled[test])
    _, second, _ = _run(files, arrays | {"label": shuffled}, ["backbone"], probes=["svm", "knn"])
    for kind in ("svm", "knn"):
        assert np.array_equal(first[f"backbone|{kind}|clean|0"], second[f"backbone|{kind}|clean|0"])


def test_same_seed_same_bytes(files):
    _run(files, _embedded(), ["backbone"])
    first = files["scores"].read_bytes(), files["predictions"].read_bytes()
    _run(files, _embedded(), ["backbone"])
    assert (files["scores"].read_bytes(), files["predictions"].read_bytes()) == first


def test_groups_are_used_when_there_are_some(files):
    arrays = _embedded()
    plain = _run(files, arrays, ["backbone"])[2]["fits"]
    grouped = _run(files, arrays | {"group": np.arange(len(arrays["id"])) // 12}, ["backbone"])[2]["fits"]
    assert plain != grouped


def test_first_probe_is_the_control_without_linear(files):
    _, predictions, _ = _run(files, _embedded(), ["backbone"], probes=["knn", "random_forest"])
    assert "backbone|knn|permuted|0" in predictions


def test_health_becomes_rows(files):
    health = {"backbone": {"uniformity": -2.5, "std_ratio": 0.7}}
    table, _, _ = _run(files, _embedded(), ["backbone"], health)
    assert _value(table, probe="health", metric="uniformity") == -2.5
    assert set(table.loc[table["probe"] == "health", "n"]) == {7}
    assert _value(table, probe="health", metric="std_ratio") == 0.7


def test_pairs_are_classified_by_prompts_and_retrieve_both_ways(files):
    table, predictions, record = _run(files, _pairs(), ["image", "text", "image_joint", "text_joint"], probes=["knn"])
    assert {"image|knn|clean|0", "text|knn|clean|0", "joint|zero_shot|clean|0"} <= set(predictions)
    assert not [name for name in predictions if "_joint" in name]
    assert _value(table, probe="zero_shot", corruption="clean", metric="accuracy") > 0.9
    assert _value(table, probe="zero_shot", corruption="permuted", metric="accuracy") < 0.5
    objects = len(np.unique(read_npz(files["embeddings"])["key"][::6]))
    assert record["candidates"] == {"retrieval_image_to_text": objects, "retrieval_text_to_image": 2 * objects}
    for way in ("retrieval_image_to_text", "retrieval_text_to_image"):
        assert _value(table, probe=way, metric="hit_at_1") > 0.5
        assert _value(table, probe=way, metric="hit_at_10") > 0.9
        assert 1 <= _value(table, probe=way, metric="median_rank") < 2
    n = table[table["probe"].str.startswith("retrieval")].groupby("probe")["n"].unique()
    assert (n["retrieval_image_to_text"], n["retrieval_text_to_image"]) == ([2 * objects], [objects])


def test_duplicate_captions_do_not_change_retrieval(files):
    """An object with three drawings is one candidate caption: more drawings of it cost no rank."""
    names = ["image", "text", "image_joint", "text_joint"]
    few = _run(files, _pairs(1), names, probes=["knn"])[2]["candidates"]["retrieval_image_to_text"]
    many = _run(files, _pairs(3), names, probes=["knn"])[2]["candidates"]["retrieval_image_to_text"]
    assert few == many


def test_shuffled_pairs_retrieve_at_chance(files):
    arrays = _pairs(1)
    arrays["text_joint"] = arrays["text_joint"][np.random.default_rng(0).permutation(len(arrays["id"]))]
    table, _, record = _run(files, arrays, ["image", "text", "image_joint", "text_joint"], probes=["knn"])
    candidates = record["candidates"]["retrieval_image_to_text"]
    assert _value(table, probe="retrieval_image_to_text", metric="hit_at_10") < 10 / candidates + 0.3
    assert _value(table, probe="retrieval_image_to_text", metric="median_rank") > candidates / 5


def test_a_failed_cell_passes_its_reason_on(files):
    write_npz(files["embeddings"], {})
    write_json(
        files["embed"], {"status": "diverged", "reason": "loss is NaN at step 3", "embeddings": [], "health": {}}
    )
    probe.run(JOB, **files)
    assert len(read_table(files["scores"])) == 0
    assert read_npz(files["predictions"]) == {}
    record = read_json(files["record"])
    assert record.pop("made") == {name: sha256(files[name]) for name in ("scores", "predictions")}
    assert record == {"job": JOB, "status": "diverged", "reason": "loss is NaN at step 3"}


def test_blank_keeps_the_traceback_beside_the_record(files):
    made = {name: files[name] for name in ("scores", "predictions", "record")}
    probe.blank(JOB, status="failed", reason="ValueError: no", traceback="Traceback …", **made)
    record = read_json(files["record"])
    assert record["status"] == "failed"
    assert "Traceback" in (files["record"].parent / "probe.traceback.txt").read_text(encoding="utf-8")
    assert record["traceback"].endswith("probe.traceback.txt")


def test_broken_files_and_splits_are_named(files):
    arrays = _embedded()
    with pytest.raises(ContractError, match="embedding backbone is missing or has another number of rows"):
        _run(files, arrays | {"backbone": arrays["backbone"][:5]}, ["backbone"])
    with pytest.raises(ValueError, match="no test rows"):
        _run(files, arrays | {"split": np.zeros_like(arrays["split"])}, ["backbone"])
    broken = arrays["backbone"].copy()
    broken[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        _run(files, arrays | {"backbone": broken}, ["backbone"])
