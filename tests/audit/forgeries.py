"""Forgeries and accidents of scores, predictions, embeddings, seeds and records."""

import json
import shutil

import numpy as np
import pandas as pd

from audit.conftest import cover, publish
from audit.tampering import (
    board_of,
    cell_of,
    edit_csv,
    edit_json,
    edit_npz,
    edit_table,
    file_of,
    forgery,
    run_of,
    set_value,
    swap,
)
from diptych.records import read_npz, read_table
from diptych.scoring import VALIDATION, evaluate

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


@forgery("made", "digits/simclr", "scores.parquet")
def a_validation_score_with_a_new_board(planned):
    """By which a configuration would be chosen; no prediction that is kept tells it."""
    edit_table(
        file_of(planned, "scores"),
        lambda t: t.__setitem__("value", t["value"].where(t["metric"] != VALIDATION, 0.999)),
    )
    publish(planned)


@forgery("board", "digits/simclr", "results.parquet")
def scores_that_stand_in_the_long_table_again(planned):
    path = board_of(planned) / "results.parquet"
    table = read_table(path)
    own = table[table["cell"] == cell_of(planned).path]
    pd.concat([table, *[own] * 3], ignore_index=True).to_parquet(path, index=False)


@forgery("board", "digits/simclr", "results.parquet: dataset")
def scores_of_two_data_sets_change_places(planned):
    def change(table):
        hit = table["method"] == "simclr"
        table.loc[hit, "dataset"] = table.loc[hit, "dataset"].map({"digits": "wards", "wards": "digits"})

    edit_table(board_of(planned) / "results.parquet", change)


@forgery("board", "digits/simclr", "results.parquet: method")
def scores_under_the_name_of_another_method(planned):
    names = {"simclr": "random", "random": "simclr"}
    edit_table(board_of(planned) / "results.parquet", lambda t: t.__setitem__("method", t["method"].map(names)))


@forgery("board", "digits/simclr", "results.parquet: config")
def scores_under_another_configuration(planned):
    edit_table(board_of(planned) / "results.parquet", lambda table: table.__setitem__("config", "0" * 8))


# ---------------------------------------------------------------------- predictions and embeddings


@forgery("made", "digits/simclr", "encoder.safetensors")
def encoders_of_two_seeds_with_a_new_board(planned):
    swap(*(file_of(planned, "encoder", seed=seed) for seed in (0, 1)))
    publish(planned)


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


@forgery("health", "digits/simclr", "embed.json: backbone effective_rank")
def embeddings_with_noise(planned):
    """In their order, and no worse; predictions stay those of the true ones."""

    def change(arrays):
        arrays["backbone"] *= np.random.default_rng(0).uniform(0.5, 1.5, arrays["backbone"].shape).astype(np.float32)

    edit_npz(file_of(planned, "embeddings"), change)
    publish(planned)


@forgery("health", "digits/simclr", "scores.parquet: backbone effective_rank")
def a_healthier_score(planned):
    def change(table):
        table.loc[(table["probe"] == "health") & (table["metric"] == "effective_rank"), "value"] *= 2

    edit_table(file_of(planned, "scores"), change)
    publish(planned)


@forgery("health", "digits/simclr", "embed.json: backbone effective_rank")
def a_healthier_record_with_its_score(planned):
    edit_json(file_of(planned, "embed"), lambda r: r["health"]["backbone"].update(effective_rank=60.0))
    a_healthier_score.do(planned)


@forgery("health", "digits/simclr", "embed.json: dimensions")
def a_larger_embedding(planned):
    edit_json(file_of(planned, "embed"), lambda record: record["dimensions"].update(backbone=4096))
    publish(planned)


@forgery("scores", "digits/simclr", "robustness.parquet: backbone linear missing_mcar")
def damaged_predictions_of_another_method(planned):
    swap(*(file_of(planned, "robustness_predictions", method=m) for m in ("simclr", "random")))
    publish(planned)


@forgery("scores", "digits/simclr", "finetune/scores.parquet: backbone finetune")
def a_score_after_fine_tuning(planned):
    edit_table(file_of(planned, "finetune"), set_value(0.999))
    publish(planned)


@forgery("scores", "digits/simclr", "finetune/scores.parquet: backbone finetune")
def fine_tuned_predictions_in_another_order(planned):
    def change(arrays):
        name = next(name for name in arrays if "|" in name)
        arrays[name] = np.roll(arrays[name], 3, axis=0)

    edit_npz(file_of(planned, "finetune_predictions"), change)
    publish(planned)


@forgery("tuning", "digits/simclr", "robustness.json: backbone|knn")
def a_neighbourhood_of_damaged_rows_chosen_elsewhere(planned):
    def change(record):
        next(fit for place, fit in record["fits"].items() if "|knn|" in place)["tuned"].update(k=13)

    edit_json(file_of(planned, "robustness_record"), change)
    publish(planned)


@forgery("tuning", "digits/simclr", "finetune.json: backbone|finetune")
def a_rate_that_fine_tuning_does_not_try(planned):
    def change(record):
        next(iter(record["fits"].values()))["tuned"].update(lr=0.5)

    edit_json(file_of(planned, "finetune_record"), change)
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
    for role in ("record", "embed", "probe", "robustness_record", "finetune_record"):
        edit_json(file_of(planned, role), lambda record: record.update(status="ok", reason=""))
    publish(planned)


@forgery("records", "digits/simclr", "scores.parquet")
def a_failed_probe_called_ok(planned):
    fail(planned, stages=("probe",))
    edit_json(file_of(planned, "probe"), lambda record: record.update(status="ok", reason=""))
    publish(planned)


def fail(planned, stages=("pretrain", "embed", "probe", "robustness", "finetune")):
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
