"""Forgeries and accidents, each as what is done to a finished benchmark and what an audit must say of it."""

import json
import shutil
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.conftest import cover, publish
from diptych import plan
from diptych.data.samples import fingerprint
from diptych.records import read_json, read_npz, read_table, write_json, write_npz
from diptych.scoring import VALIDATION, evaluate
from diptych.store import Store, grouped

FORGERIES = {}


@dataclass(frozen=True)
class Forgery:
    """What is done, and the check, cell and file that the finding must name."""

    do: object
    check: str
    cell: str
    file: str


def forgery(check, cell, file):
    def keep(do):
        FORGERIES[do.__name__] = Forgery(do, check, cell, file)
        return do

    return keep


def cell_of(planned, method="simclr", dataset="digits", seed=0):
    return next(c for c in planned.cells if (c.method, c.dataset, c.seed) == (method, dataset, seed))


def file_of(planned, role, **which):
    return getattr(planned.files(cell_of(planned, **which)), role)


def board_of(planned):
    return planned.root / "boards" / planned.name


def edit_json(path, change):
    content = read_json(path)
    change(content)
    write_json(path, content)


def edit_npz(path, change):
    arrays = read_npz(path)
    change(arrays)
    write_npz(path, arrays)


def edit_table(path, change):
    table = read_table(path)
    change(table)
    table.to_parquet(path, index=False)


def edit_csv(path, change):
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    change(table)
    table.to_csv(path, index=False)


def edit_data(planned, change, dataset="digits"):
    """Other samples, with the fingerprints that they have."""
    path = file_of(planned, "data", dataset=dataset)
    edit_npz(path, change)
    found = {name: fingerprint(array) for name, array in read_npz(path).items()}
    edit_json(path.with_name("card.json"), lambda card: card.update(fingerprints=found))
    cover(planned)


def set_value(value, row=0):
    def change(table):
        table.loc[row, "value"] = value

    return change


# ---------------------------------------------------------------------- scores


@forgery("scores", "digits/simclr", "scores.parquet: backbone linear clean 0.0 accuracy")
def a_score_in_a_file(planned):
    edit_table(file_of(planned, "scores"), set_value(0.975))
    cover(planned)


@forgery("mlflow", "digits/simclr", "linear/accuracy")
def a_score_in_mlflow(planned):
    from mlflow.entities import Metric

    store, run = run_of(planned)
    store.client.log_batch(run.info.run_id, metrics=[Metric("linear/accuracy", 1.0, 9_999_999_999_999, 1)])


@forgery("board", "digits/simclr", "results.csv: value")
def a_score_in_the_csv(planned):
    edit_csv(board_of(planned) / "results.csv", set_value("0.99"))


@forgery("board", "digits/simclr", "results.parquet: backbone linear clean 0.0 accuracy")
def a_score_in_the_long_table(planned):
    edit_table(board_of(planned) / "results.parquet", set_value(0.99))


@forgery("leaderboard", "all simclr", "leaderboard.csv: mean_rank")
def a_rank_in_the_leaderboard(planned):
    edit_csv(board_of(planned) / "leaderboard.csv", lambda table: table.__setitem__("mean_rank", "0.5"))


@forgery("leaderboard", "all", "leaderboard.json: scores")
def a_score_in_the_feed(planned):
    edit_json(board_of(planned) / "leaderboard.json", lambda feed: feed["scores"][0].update(mean=0.99))


@forgery("board", "digits/random", "cells.parquet: role")
def a_control_that_ranks(planned):
    edit_table(board_of(planned) / "cells.parquet", lambda table: table.__setitem__("role", "self-supervised"))


@forgery("metrics", "digits/simclr", "scores.parquet: backbone linear clean 0 accuracy")
def a_score_outside_its_bounds(planned):
    edit_table(file_of(planned, "scores"), set_value(1.2))
    cover(planned)


@forgery("metrics", "digits/simclr", "robustness.parquet: backbone linear missing_mcar 0 accuracy")
def an_undamaged_score_that_is_not_the_clean_one(planned):
    edit_table(file_of(planned, "robustness"), lambda t: t.__setitem__("value", t["value"] * 0.9))
    cover(planned)


@forgery("scores", "digits/simclr", "log_loss")
def a_metric_left_out(planned):
    path = file_of(planned, "scores")
    table = read_table(path)
    table[table["metric"] != "log_loss"].to_parquet(path, index=False)
    cover(planned)


# ---------------------------------------------------------------------- predictions and embeddings


@forgery("scores", "digits/random", "scores.parquet")
def predictions_of_another_method(planned):
    first, second = (file_of(planned, "predictions", method=m) for m in ("simclr", "random"))
    swap(first, second)
    cover(planned)


@forgery("rows", "digits/simclr", "predictions.npz: label")
def labels_permuted_twice(planned):
    """True labels in another order, with the scores that they give."""
    path, table = file_of(planned, "predictions"), file_of(planned, "scores")
    edit_npz(path, lambda arrays: arrays.update(label=np.roll(arrays["label"], 7)))
    arrays = read_npz(path)

    def rescore(scores):
        for place, row in scores.iterrows():
            name = f"{row['embedding']}|{row['probe']}|{row['corruption']}|{row['severity']:g}"
            if name in arrays and row["metric"] != VALIDATION:
                scores.loc[place, "value"] = evaluate(arrays["label"], arrays[name], True)[row["metric"]][0]

    edit_table(table, rescore)
    publish(planned)


@forgery("rows", "digits/simclr", "embeddings.npz: id")
def embeddings_in_another_order(planned):
    edit_npz(file_of(planned, "embeddings"), lambda arrays: arrays.update({n: a[::-1] for n, a in arrays.items()}))
    publish(planned)


@forgery("collapse", "digits/simclr", "embeddings.npz: backbone")
def a_collapsed_encoder_that_is_ranked(planned):
    edit_npz(file_of(planned, "embeddings"), lambda arrays: arrays.update(backbone=np.ones_like(arrays["backbone"])))
    publish(planned)


@forgery("tuning", "digits/simclr", "probe.json: backbone|knn|clean|0")
def a_neighbourhood_chosen_elsewhere(planned):
    edit_json(file_of(planned, "probe"), lambda r: r["fits"]["backbone|knn|clean|0"]["tuned"].update(k=13))
    publish(planned)


# ---------------------------------------------------------------------- seeds and records


@forgery("jobs", "digits/simclr", "0/pretrain.json")
def swapped_seeds(planned):
    first, second = (file_of(planned, "run", seed=seed) for seed in (0, 1))
    swap(first, second)
    publish(planned)


@forgery("rows", "digits/simclr", "embeddings.npz: id")
def swapped_seeds_with_the_records_left(planned):
    for role in ("encoder", "history", "embeddings", "predictions", "scores"):
        swap(*(file_of(planned, role, seed=seed) for seed in (0, 1)))
    publish(planned)


@forgery("seeds", "digits/simclr", "1/embeddings.npz")
def a_best_seed_twice(planned):
    for role in ("encoder", "embeddings", "predictions", "scores"):
        shutil.copy(file_of(planned, role, seed=0), file_of(planned, role, seed=1))
    publish(planned)


@forgery("jobs", "digits/simclr", "pretrain.json")
def another_setting_in_a_record(planned):
    edit_json(file_of(planned, "record"), lambda r: r["job"]["settings"]["method"].update(temperature=0.123))
    publish(planned)


@forgery("jobs", "digits/simclr", "pretrain.json")
def older_code(planned):
    edit_json(file_of(planned, "record"), lambda record: record["job"].update(code="0" * 16))
    publish(planned)


@forgery("records", "digits/simclr", "encoder.safetensors")
def a_truncated_encoder(planned):
    path = file_of(planned, "encoder")
    path.write_bytes(path.read_bytes()[:-100])
    publish(planned)


@forgery("ledger", "digits/simclr", "encoder.safetensors")
def a_flipped_byte(planned):
    path = file_of(planned, "encoder")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@forgery("records", "digits/simclr", "history.parquet")
def a_smoother_history(planned):
    edit_table(file_of(planned, "history"), lambda table: table.__setitem__("loss", table["loss"] / 2))
    publish(planned)


@forgery("records", "digits/simclr", "encoder.safetensors")
def a_failed_run_called_ok(planned):
    fail(planned)
    for role in ("record", "embed", "probe", "robustness_record"):
        edit_json(file_of(planned, role), lambda record: record.update(status="ok", reason=""))
    publish(planned)


@forgery("records", "digits/simclr", "scores.parquet")
def a_failed_probe_called_ok(planned):
    fail(planned, stages=("probe",))
    edit_json(file_of(planned, "probe"), lambda record: record.update(status="ok", reason=""))
    publish(planned)


def fail(planned, stages=("pretrain", "embed", "probe", "robustness")):
    """A run that ended without weights or scores, as its stages record it."""
    import importlib

    from diptych.replay import OUTPUTS

    cell = cell_of(planned)
    for stage in stages:
        paths = {name: getattr(planned.files(cell), role) for name, role in OUTPUTS[stage].items()}
        ended = {"status": "diverged", "reason": "the loss became nan", "traceback": ""}
        importlib.import_module(f"diptych.stages.{stage}").blank(
            json.loads(planned.cell_job(stage, cell)), **ended, **paths
        )


@forgery("environment", "digits/simclr", "pretrain.json")
def another_version_of_torch(planned):
    edit_json(file_of(planned, "record"), lambda record: record["environment"]["versions"].update(torch="1.0"))
    publish(planned)


# ---------------------------------------------------------------------- data


@forgery("data", "digits/", "data.npz")
def other_data(planned):
    edit_npz(file_of(planned, "data"), lambda arrays: arrays.update(x=arrays["x"][::-1]))
    publish(planned)


@forgery("records", "digits/simclr", "pretrain.json")
def other_data_with_its_fingerprints(planned):
    edit_data(planned, lambda arrays: arrays.update(x=arrays["x"][::-1]))
    publish(planned)


@forgery("sources", "wards", "source.json")
def another_source(planned):
    def change(record):
        record["files"][0]["sha256"] = "0" * 64

    edit_json(planned.root / "data" / "wards" / "source.json", change)


@forgery("leakage", "digits/", "data.npz")
def leaked_test_ids(planned):
    def change(arrays):
        first, other = (np.flatnonzero(arrays["split"] == split)[0] for split in (0, 1))
        arrays["id"][other] = arrays["id"][first]

    edit_data(planned, change)


@forgery("leakage", "wards/", "data.npz")
def a_group_across_splits(planned):
    def change(arrays):
        first, other = (np.flatnonzero(arrays["split"] == split)[0] for split in (0, 1))
        arrays["group"][other] = arrays["group"][first]

    edit_data(planned, change, dataset="wards")


@forgery("leakage", "wards/", "data.npz")
def training_rows_among_the_test_rows(planned):
    def change(arrays):
        train, test = (np.flatnonzero(arrays["split"] == split)[:3] for split in (0, 1))
        arrays["x"][test] = arrays["x"][train]

    edit_data(planned, change, dataset="wards")


@forgery("leakage", "wards/", "data.npz")
def training_rows_with_a_little_noise(planned):
    def change(arrays):
        train, test = (np.flatnonzero(arrays["split"] == split)[:3] for split in (0, 1))
        arrays["x"][test] = arrays["x"][train] + np.float32(1e-3)

    edit_data(planned, change, dataset="wards")


@forgery("data", "digits/", "card.json")
def another_split_on_the_card(planned):
    edit_json(file_of(planned, "card"), lambda card: card["card"].update(split="official"))
    publish(planned)


# ---------------------------------------------------------------------- what is there at all


@forgery("mlflow", "digits/simclr", "run")
def a_run_deleted(planned):
    store, run = run_of(planned)
    store.client.delete_run(run.info.run_id)


@forgery("mlflow", "digits/simclr", "run")
def a_second_run(planned):
    store, run = run_of(planned)
    twin = store.client.create_run(store.experiment, tags=run.data.tags)
    store.client.set_terminated(twin.info.run_id, "FINISHED")


@forgery("ledger", "all", "ledger.json")
def a_seed_dropped_from_the_plan(planned):
    path = planned.benchmark
    path.write_text(path.read_text().replace("seeds: [0, 1]", "seeds: [0]"))
    plan.load.cache_clear()


@forgery("dropped", "digits/random", "MLflow")
def a_seed_dropped_and_the_board_made_again(planned):
    a_seed_dropped_from_the_plan(planned)
    publish(plan.load(planned.benchmark.as_posix(), planned.root.as_posix()))


@forgery("board", "digits/simclr", "results.parquet")
def a_cell_dropped_from_the_board(planned):
    path = board_of(planned) / "results.parquet"
    table = read_table(path)
    table[table["cell"] != cell_of(planned).path].to_parquet(path, index=False)


@forgery("ledger", "digits/simclr", "scores.parquet")
def a_digest_left_out(planned):
    def change(noted):
        noted["cells"][cell_of(planned).path] = {
            name: digest for name, digest in noted["cells"][cell_of(planned).path].items() if "scores" not in name
        }

    edit_json(board_of(planned) / "ledger.json", change)


@forgery("ledger", "digits/simclr", "predictions.npz")
def a_file_deleted(planned):
    file_of(planned, "predictions").unlink()


def run_of(planned):
    store = Store.existing("", planned.root, planned.name)
    return store, grouped(store.runs(), "diptych.cell")[cell_of(planned).path][0]


def swap(first, second):
    kept = first.with_name(f"{first.name}.kept")
    first.rename(kept)
    second.rename(first)
    kept.rename(second)
