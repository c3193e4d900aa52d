"""A bundle is made of the same bytes each time, holds by itself, and shows what was edited."""

import json
import os
import subprocess
import sys

import pytest

from audit.bundling import entries, forge, raised, run, table
from diptych.bundles import compare, pack, read, verify
from diptych.records import ContractError

PROJECT = pack.LOCK.parent


def test_the_same_files_give_the_same_bytes(finished, bundled, tmp_path):
    pack.write(finished, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == bundled.read_bytes()


def test_an_untouched_bundle_holds(bundled):
    assert verify.findings(bundled) == []


def test_agreement_with_a_board_that_is_not_in_the_bundle_is_not_judged(bundled, tmp_path):
    told = json.loads(entries(bundled)["leaderboard.json"]) | {"ladder": [{"lower": "smoke", "tau": 0.5}]}
    assert forge(bundled, tmp_path / "a.zip", **{"leaderboard.json": json.dumps(told).encode()}) == []


def test_it_says_where_and_when_it_was_made(finished, bundled):
    about = json.loads(entries(bundled)[pack.ABOUT])
    assert sum(e["cells"] for e in about["environments"]) == len(finished.cells)
    assert about["environments"][0]["versions"]["numpy"]
    assert about["first"] <= about["last"]


def test_a_flipped_byte_is_caught(bundled, tmp_path):
    content = bytearray(bundled.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "flipped.zip").write_bytes(content)
    (found,) = verify.findings(tmp_path / "flipped.zip")
    assert found.startswith("refused: ")


def test_an_edited_score_is_caught_by_the_manifest_and_without_it(bundled, tmp_path):
    edited = table(bundled, "results.parquet", raised)
    (found,) = forge(bundled, tmp_path / "a.zip", fixed=False, **edited)
    assert "results.parquet: expected sha256" in found
    found = forge(bundled, tmp_path / "b.zip", **edited)
    assert any(line.startswith("scores: results.parquet: cell ") for line in found)


def test_a_removed_cell_is_caught(finished, bundled, tmp_path):
    name = finished.cells[0].path
    gone = {}
    for file in ("results.parquet", "cells.parquet"):
        gone |= table(bundled, file, lambda t: t[t["cell"] != name])
    found = forge(bundled, tmp_path / "a.zip", **gone)
    assert f"plan: cells.parquet: cell {name}: expected a row" in found
    told = json.loads(entries(bundled)[pack.PLAN])
    told["cells"] = told["cells"][1:]
    found = forge(bundled, tmp_path / "b.zip", **gone, **{pack.PLAN: json.dumps(told).encode()})
    assert any(line.startswith("plan: plan.json: expected the plan ") for line in found)
    assert any("expected seeds [0, 1], found [1]" in line for line in found)


def test_scores_without_their_predictions_are_caught(bundled, tmp_path):
    gone = table(bundled, pack.PREDICTIONS, lambda t: t[t["cell"].str.contains("/random/")])
    found = forge(bundled, tmp_path / "a.zip", **gone)
    assert any("digits/simclr" in line and "expected predictions, found none" in line for line in found)


def test_a_ranking_score_that_class_ids_do_not_tell_is_made_again(bundled, tmp_path):
    """Own tables are ranked by AUROC."""

    def better(results):
        hit = (results["dataset"] == "wards") & (results["metric"] == "auroc") & (results["probe"] == "linear")
        return results.assign(value=results["value"].where(~hit | (results["corruption"] != "clean"), 0.999))

    found = forge(bundled, tmp_path / "a.zip", **table(bundled, "results.parquet", better))
    caught = [line for line in found if line.startswith("scores: results.parquet: cell wards/")]
    assert len(caught) == 4
    assert all("linear clean 0.0 auroc" in line for line in caught)
    assert verify.verified(bundled) == ([], "8 of 8 ranking scores follow from packed predictions")


def test_a_row_dropped_from_plan_and_tables_is_caught(digits, tmp_path):
    """With a plan that is consistent in itself."""
    gone = {}
    for file in ("results.parquet", "cells.parquet", pack.PREDICTIONS):
        gone |= table(digits, file, lambda t: t[~t["cell"].str.contains("/simclr/")])
    told = json.loads(entries(digits)[pack.PLAN])
    told["cells"] = [cell for cell in told["cells"] if cell[1] != "simclr"]
    found = forge(digits, tmp_path / "a.zip", **gone, **{pack.PLAN: json.dumps(told).encode()})
    assert "plan: plan.json: expected 2 cells of simclr on digits, as the file asks for, found 0" in found


def test_nothing_run_within_the_budget_does_not_hold(digits, capsys):
    assert run("verify", digits, "--cells", 2, "--budget", "0.0001s") == 1
    assert "no cell was run again" in capsys.readouterr().out


def test_a_benchmark_that_was_not_run_has_no_bundle(finished, tmp_path):
    said = "results.parquet; run the benchmark first: make run BENCHMARK="
    with pytest.raises(FileNotFoundError, match=said):
        run("bundle", finished.benchmark, "--root", tmp_path / "nothing", "--reference")
    assert not (tmp_path / "nothing").exists()


def test_a_folder_without_a_board_is_named(tmp_path):
    with pytest.raises(ContractError, match="neither a bundle nor the folder of a board"):
        compare.compared(tmp_path, tmp_path)


def test_an_edited_leaderboard_is_caught(bundled, tmp_path):
    csv = entries(bundled)["leaderboard.csv"].decode().replace("simclr", "simclr2", 1)
    found = forge(bundled, tmp_path / "a.zip", **{"leaderboard.csv": csv.encode()})
    assert found == ["leaderboard: leaderboard.csv: expected the leaderboard of results.parquet, found another"]


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "benchmark/../evil", "benchmark/a/b", "benchmark/..", "x.pkl"]
)
def test_an_entry_elsewhere_is_refused(bundled, tmp_path, name):
    (found,) = forge(bundled, tmp_path / "a.zip", **{name: b"evil"})
    assert "has no place in a bundle" in found
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_bomb_is_refused(bundled, monkeypatch):
    monkeypatch.setattr(read, "LARGEST", 1000)
    (found,) = verify.findings(bundled)
    assert "when unpacked" in found


def test_no_zip_is_refused(tmp_path):
    (tmp_path / "a.zip").write_text("no zip")
    (found,) = verify.findings(tmp_path / "a.zip")
    assert "is not a readable bundle" in found


def test_verified_without_torch_mlflow_or_results(bundled, tmp_path):
    code = (
        "import sys; from diptych.__main__ import execute; code = execute(['verify', sys.argv[1]]);"
        "print(code, {'torch', 'mlflow'} & set(sys.modules))"
    )
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(bundled)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "0 set()"


def test_a_bundle_and_its_own_board_do_not_differ(finished, bundled):
    told = compare.compared(bundled, finished.root / "boards" / finished.name)
    assert set(told["verdicts"]) == {"identical"}
    assert (told["added"], told["removed"], told["rescored"]) == ([], [], [])
    assert told["rmse"] == 0
    assert told["conclusions"]["same"] == told["conclusions"]["shared"] == 2
    assert told["differences"] == {}
    assert told["tau"] is None or told["tau"] == pytest.approx(1)
    assert told["rbo"] is None or told["rbo"] == pytest.approx(1)


def test_a_shifted_row_and_a_removed_one_are_told(finished, bundled, tmp_path):
    def worse(results):
        hit = (results["method"] == "simclr") & (results["metric"] == "accuracy")
        return results.assign(value=results["value"].where(~hit, 0.01))

    forge(bundled, tmp_path / "worse.zip", **table(bundled, "results.parquet", worse))
    told = compare.compared(bundled, tmp_path / "worse.zip")
    assert told["methods"]["simclr"]["shifted"] > 0
    assert "shifted" not in told["methods"]["random"]
    assert {row.split("/")[1] for row in told["rescored"]} == {"simclr"}
    (tmp_path / "less").mkdir()
    for name, content in entries(bundled).items():
        if not name.startswith(pack.FILES):
            (tmp_path / "less" / name).write_bytes(content)
    for file in ("results.parquet", "cells.parquet"):
        less = table(bundled, file, lambda t: t[t["method"] != "random"])[file]
        (tmp_path / "less" / file).write_bytes(less)
    told = compare.compared(bundled, tmp_path / "less")
    assert {row.split("/")[1] for row in told["removed"]} == {"random"}
    assert any("removed" in line for line in compare.lines(told))


def test_a_verdict_against_the_untrained_encoder_that_no_longer_holds_is_told(bundled, tmp_path):
    feed = json.loads(entries(bundled)["leaderboard.json"])
    mine = next(s for s in feed["scores"] if s["role"] == "self-supervised")
    mine["against_random"] -= 1
    forge(bundled, tmp_path / "other.zip", **{"leaderboard.json": json.dumps(feed).encode()})
    assert compare.compared(bundled, tmp_path / "other.zip")["conclusions"] == {"shared": 2, "same": 1}
