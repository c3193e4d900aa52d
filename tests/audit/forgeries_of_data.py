"""Forgeries and accidents of data, and of what is there at all."""

import numpy as np

from audit.conftest import publish
from audit.tampering import board_of, cell_of, edit_data, edit_json, edit_npz, file_of, forgery, run_of
from diptych import plan
from diptych.records import read_table

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


@forgery("ids", "digits/", "data.npz")
def leaked_test_ids(planned):
    def change(arrays):
        first, other = (np.flatnonzero(arrays["split"] == split)[0] for split in (0, 1))
        arrays["id"][other] = arrays["id"][first]

    edit_data(planned, change)


@forgery("groups", "wards/", "data.npz")
def a_group_across_splits(planned):
    def change(arrays):
        first, other = (np.flatnonzero(arrays["split"] == split)[0] for split in (0, 1))
        arrays["group"][other] = arrays["group"][first]

    edit_data(planned, change, dataset="wards")


@forgery("duplicates", "wards/", "data.npz")
def training_rows_among_the_test_rows(planned):
    def change(arrays):
        train, test = (np.flatnonzero(arrays["split"] == split)[:3] for split in (0, 1))
        arrays["x"][test] = arrays["x"][train]

    edit_data(planned, change, dataset="wards")


@forgery("duplicates", "wards/", "data.npz")
def training_rows_with_a_little_noise(planned):
    def change(arrays):
        train, test = (np.flatnonzero(arrays["split"] == split)[:3] for split in (0, 1))
        arrays["x"][test] = arrays["x"][train] + np.float32(1e-3)

    edit_data(planned, change, dataset="wards")


@forgery("data", "digits/", "card.json")
def another_split_on_the_card(planned):
    edit_json(file_of(planned, "card"), lambda card: card["card"].update(split="official"))
    publish(planned)


@forgery("data", "digits/", "card.json")
def more_training_rows_on_the_card(planned):
    edit_json(file_of(planned, "card"), lambda card: card["facts"].update(n_train=60_000))
    publish(planned)


@forgery("jobs", "digits/", "card.json")
def data_prepared_by_another_job(planned):
    edit_json(file_of(planned, "card"), lambda card: card["job"].update(rows=4000))
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
    a_seed_dropped_from_the_plan.do(planned)
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
