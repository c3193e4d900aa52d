"""A forged bundle is caught, also where its leaderboard was made of what was forged."""

import io
import json

import pandas as pd
import pytest

from audit.bundling import entries, forge, member, recorded, remade, table
from diptych.bundles import pack, verify

RANKING = "backbone linear clean 0.0"


def simclr(table):
    return table["cell"].str.contains("digits/simclr/")


def ranking(results, dataset="digits", method="simclr"):
    """The rows that the ranking scores of a method on a data set are among."""
    own = results["cell"].str.startswith(f"{dataset}/{method}/")
    return own & (results["probe"] == "linear") & (results["corruption"] == "clean")


def better_scores_beside(bundled):
    return table(
        bundled, "results.parquet", lambda t: pd.concat([t[ranking(t)].assign(value=1.0), t], ignore_index=True)
    )


def better_predictions_beside(bundled):
    return table(bundled, pack.PREDICTIONS, lambda t: pd.concat([t[simclr(t)], t], ignore_index=True))


def a_control_that_ranks(bundled):
    return table(bundled, "cells.parquet", lambda t: t.replace({"role": {"control": "self-supervised"}}))


def data_sets_that_change_places(bundled):
    def change(results):
        other = results["dataset"].map({"digits": "wards", "wards": "digits"})
        return results.assign(dataset=results["dataset"].where(results["method"] != "simclr", other))

    return table(bundled, "results.parquet", change)


def scores_of_another_seed(bundled):
    return table(bundled, "results.parquet", lambda t: t.assign(seed=1 - t["seed"]))


def another_temperature(bundled):
    old, new = '"temperature": "0.5"', '"temperature": "0.1"'
    return table(bundled, "cells.parquet", lambda t: t.assign(params=t["params"].str.replace(old, new)))


def another_embedding(bundled):
    return table(bundled, "cells.parquet", lambda t: t.assign(embedding="projector"))


def failures_in_the_long_table(bundled):
    return table(bundled, "results.parquet", lambda t: t.assign(status=t["status"].mask(simclr(t), "diverged")))


def another_metric_on_the_card(bundled):
    return member(bundled, pack.PLAN, lambda told: told["cards"]["digits"].update(metric="macro_f1"))


def a_rival_without_scores(bundled):
    """Its cells are called ok."""

    def lost(results):
        own = results["cell"].str.startswith("wards/random/")
        empty = results[own].groupby("cell").head(1).assign(value=float("nan"), embedding="", probe="", metric="")
        return pd.concat([results[~own], empty.assign(corruption="")], ignore_index=True)

    gone = table(bundled, pack.PREDICTIONS, lambda t: t[~t["cell"].str.startswith("wards/random/")])
    return gone | table(bundled, "results.parquet", lost)


def labels_as_they_were_predicted(bundled):
    """With the scores that they give."""

    def right(packed):
        own = packed["cell"].str.startswith("digits/simclr/") & (packed["place"] == "backbone|linear|clean|0")
        return packed.assign(label=packed["label"].mask(own, packed["chosen"]))

    def scored(results):
        known = ranking(results) & results["metric"].isin(["accuracy", "balanced_accuracy", "macro_f1"])
        return results.assign(value=results["value"].mask(known, 1.0))

    return table(bundled, pack.PREDICTIONS, right) | table(bundled, "results.parquet", scored)


def better(results):
    return results.assign(value=results["value"].mask(ranking(results, "wards") & (results["metric"] == "auroc"), 1.0))


def no_scores_of_classes(bundled):
    gone = table(bundled, pack.PREDICTIONS, lambda t: t.drop(columns="scores"))
    return gone | table(bundled, "results.parquet", better)


def too_many_rows_to_pack(bundled):
    many = table(bundled, pack.PREDICTIONS, lambda t: t.assign(n=t["n"].mask(t["cell"].str.startswith("wards/"), 5000)))
    return many | table(bundled, "results.parquet", better)


def another_lock(bundled):
    return {pack.LOCKED: b"torch==0.1\n"}


def another_seed_in_a_job(bundled):
    return recorded(bundled, lambda record: record["job"].update(seed=7))


def another_seed_in_a_probe(bundled):
    return recorded(bundled, lambda record: record["job"].update(seed=7), "probe")


def more_epochs_in_a_job(bundled):
    return recorded(bundled, lambda record: record["job"]["settings"]["recipe"].update(epochs=100))


def cells_without_their_job(bundled):
    lines = entries(bundled)[pack.RECORDS].decode().splitlines(keepends=True)
    return {pack.RECORDS: "".join(line for line in lines if json.loads(line)["stage"] != "pretrain").encode()}


FORGERIES = {  # what is done -> the finding of which cell or file, and its words
    better_scores_beside: ("repeated: results.parquet: cell digits/simclr/", f"{RANKING} accuracy: expected one row"),
    better_predictions_beside: ("repeated: predictions.parquet: cell digits/simclr/", "expected one row"),
    a_control_that_ranks: (
        "identities: cells.parquet: cell digits/random/",
        "role: expected control, found self-supervised",
    ),
    data_sets_that_change_places: (
        "identities: results.parquet: cell digits/simclr/",
        "dataset: expected digits, found wards",
    ),
    scores_of_another_seed: ("identities: results.parquet: cell digits/simclr/", "/0: seed: expected 0, found 1"),
    another_temperature: (
        "identities: cells.parquet: cell digits/simclr/",
        "parameter temperature: expected 0.5, found 0.1",
    ),
    another_embedding: (
        "identities: cells.parquet: cell digits/simclr/",
        "embedding: expected backbone, found projector",
    ),
    failures_in_the_long_table: (
        "records: results.parquet: cell digits/simclr/",
        "expected the status ok, found diverged",
    ),
    another_metric_on_the_card: (
        "cards: plan.json: card of digits: metric: ",
        "expected balanced_accuracy, found macro_f1",
    ),
    a_rival_without_scores: (
        "scores: results.parquet: cell wards/random/",
        f"{RANKING} auroc: expected a score, found none",
    ),
    labels_as_they_were_predicted: (
        "labels: predictions.parquet: cell digits/simclr/",
        "backbone|linear|clean|0: expected the true classes of other cells of digits, seed 0",
    ),
    no_scores_of_classes: (
        "scores: results.parquet: cell wards/simclr/",
        f"{RANKING} auroc: expected packed predictions from which it follows, found none",
    ),
    too_many_rows_to_pack: ("predictions: predictions.parquet: cell wards/", "expected 2000 rows, found"),
    another_lock: ("lock: requirements.lock: ", "(from the records), found"),
    another_seed_in_a_job: ("jobs: records.jsonl: cell digits/simclr/", "/0: pretrain: seed: expected 0, found 7"),
    another_seed_in_a_probe: ("jobs: records.jsonl: cell digits/simclr/", "/0: probe: seed: expected 0, found 7"),
    more_epochs_in_a_job: (
        "jobs: records.jsonl: cell digits/simclr/",
        "setting train.epochs: expected 1, found 100",
    ),
    cells_without_their_job: ("records: records.jsonl: cell digits/simclr/", "pretrain: expected one record, found 0"),
}


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.__name__)
def test_a_forgery_with_its_own_leaderboard_is_caught(bundled, tmp_path, forgery):
    found = forge(bundled, tmp_path / "b.zip", **remade(bundled, tmp_path / "a.zip", **forgery(bundled)))
    where, words = FORGERIES[forgery]
    assert any(line.startswith(where) and words in line for line in found), "\n".join(found)
    assert not [line for line in found if line.startswith("leaderboard: ")]
    assert not [line for line in found if "could not be checked" in line]


@pytest.mark.parametrize("change", [lambda t: t.drop(columns="top_group"), lambda t: t.assign(verified="yes")])
def test_a_column_of_the_leaderboard_that_is_dropped_or_added_is_caught(bundled, tmp_path, change):
    board = pd.read_csv(io.BytesIO(entries(bundled)["leaderboard.csv"]), dtype=str, keep_default_na=False)
    made = change(board)
    (found,) = forge(bundled, tmp_path / "a.zip", **{"leaderboard.csv": made.to_csv(index=False).encode()})
    expected = f"expected the columns {', '.join(board)}, found {', '.join(made)}"
    assert found == f"leaderboard: leaderboard.csv: {expected}"


def test_an_older_version_may_have_told_less(bundled, tmp_path):
    board = pd.read_csv(io.BytesIO(entries(bundled)["leaderboard.csv"]), dtype=str, keep_default_na=False)
    older = board.drop(columns="place_low").to_csv(index=False).encode()
    assert forge(bundled, tmp_path / "a.zip", **{"leaderboard.csv": older}) == []


def unscored(results):
    """As the stage writes it of an encoder that has nothing to fine-tune."""
    return results.assign(value=results["value"].mask(simclr(results) & (results["probe"] == "finetune")))


@pytest.mark.parametrize(("parameters", "cells"), [(0, 0), (100, 2)])
def test_a_cell_may_lack_its_ranking_score_only_where_nothing_could_be_tuned(bundled, tmp_path, parameters, cells):
    file = f"{pack.FILES}/forged.yaml"
    asked = {file: entries(bundled)[file].replace(b"rank_by: {probe: linear}", b"rank_by: {probe: finetune}")}
    asked |= table(bundled, pack.PREDICTIONS, lambda t: t[~(simclr(t) & t["place"].str.contains("finetune"))])
    asked |= recorded(bundled, lambda record: record.update(parameters=parameters))
    found = forge(bundled, tmp_path / "a.zip", **asked, **table(bundled, "results.parquet", unscored))
    assert sum("digits/simclr/" in line and "expected a score, found none" in line for line in found) == cells


def test_a_metric_that_is_undefined_on_its_rows_is_no_missing_score(bundled, tmp_path, monkeypatch):
    monkeypatch.setattr(verify, "SHOWN", 10_000)

    def one_class(packed):
        own = packed["cell"].str.startswith("wards/")
        return packed.assign(label=packed["label"].mask(own, packed["label"] * 0))

    def undefined(results):
        return results.assign(value=results["value"].mask(results["metric"] == "auroc"))

    edited = table(bundled, pack.PREDICTIONS, one_class) | table(bundled, "results.parquet", undefined)
    found = forge(bundled, tmp_path / "a.zip", **edited)
    assert not [line for line in found if line.startswith("scores: ") and ("auroc" in line or "checked" in line)]


def test_a_lock_that_no_record_states_is_not_judged(bundled, tmp_path):
    """As of runs outside a checkout."""
    content = entries(bundled)
    (stated,) = {e["lock"] for e in json.loads(content[pack.ABOUT])["environments"]}
    nothing = {name: content[name].replace(stated.encode(), b"") for name in (pack.RECORDS, pack.ABOUT)}
    assert forge(bundled, tmp_path / "a.zip", **nothing, **another_lock(bundled)) == []
