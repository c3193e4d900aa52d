"""Real Snakemake on tiny real data: first run, empty second run, edited grid, kill and resume, a failing method."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

PROJECT = Path(__file__).parents[2]
TINY = (PROJECT / ".test" / "benchmarks" / "tiny.yaml").read_text(encoding="utf-8")
RULE = re.compile(r"^(?:local)?rule (\w+):", re.MULTILINE)


class Workspace:
    """A folder with the workflow and one benchmark file, as a fresh clone would have it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        shutil.copytree(PROJECT / "workflow", folder / "workflow")
        for file in ("Snakefile", "environment.yml"):
            shutil.copy(PROJECT / file, folder)
        (folder / "profiles").symlink_to("workflow/profiles")
        (folder / "benchmarks").mkdir()
        self.file = folder / "benchmarks" / "tiny.yaml"
        (folder / "benchmarks" / "config.yaml").write_text("benchmark: benchmarks/tiny.yaml\n", encoding="utf-8")
        self.write(TINY)

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", "--cores", "2", *words]

    @property
    def environment(self) -> dict[str, str]:
        """Not activated: the folder of this Python is not on the path."""
        own = Path(sys.executable).parent
        folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if Path(folder) != own]
        return os.environ | {"PATH": os.pathsep.join(folders)}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def rules(self, done: subprocess.CompletedProcess[str]) -> list[str]:
        return RULE.findall(done.stdout + done.stderr)

    @property
    def board(self) -> Path:
        return self.folder / "results" / "boards" / "tiny"

    def results(self) -> pd.DataFrame:
        return pd.read_parquet(self.board / "results.parquet")


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    """One workspace whose runs build on each other, in the order of this file."""
    return Workspace(tmp_path_factory.mktemp("space"))


def test_a_dry_run_needs_no_data_and_both_entry_points_plan_the_same(space):
    plans = [space.rules(space.run("-n", *entry)) for entry in ([], ["-s", "workflow/Snakefile"])]
    assert set(plans[0]) ^ set(plans[1]) == {"default", "all"}
    assert len(plans[0]) == len(plans[1])
    assert plans[0].count("pretrain") == 4


def test_first_run_ends_with_a_board(space):
    done = space.run()
    assert done.returncode == 0, done.stdout + done.stderr
    for name in (
        "results.parquet",
        "results.csv",
        "leaderboard.csv",
        "leaderboard.json",
        "leaderboard.md",
        "report.html",
    ):
        assert (space.board / name).stat().st_size > 0
    results = space.results()
    assert set(results["method"]) == {"scarf", "raw", "random", "supervised"}
    assert set(results["status"]) == {"ok"}
    linear = results[(results["probe"] == "linear") & (results["corruption"] == "clean")]
    assert (linear.loc[linear["metric"] == "accuracy", "value"] > 0.5).all()  # wine is easy; chance is 0.4


def test_without_a_warm_parent_the_numbers_are_the_same(space, tmp_path):
    cold = Workspace(tmp_path / "cold")
    done = cold.run("--config", "warm=false")
    assert done.returncode == 0, done.stderr
    runs = space.folder / "results" / "runs"
    files = [path for kind in ("safetensors", "npz", "parquet") for path in runs.rglob(f"*.{kind}")]
    assert len(files) == 4 * 7  # encoder, history, embeddings; scores and predictions of probe and of robustness
    for path in files:
        assert path.read_bytes() == (cold.folder / path.relative_to(space.folder)).read_bytes(), path


def test_second_run_does_nothing(space):
    done = space.run()
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


def test_a_comment_in_the_benchmark_file_does_nothing(space):
    space.write("# a remark\n" + TINY)
    assert "Nothing to be done" in (done := space.run()).stdout + done.stderr


def test_an_edited_grid_runs_only_new_cells(space):
    space.write(TINY.replace("{train.patience: 0}", "{train.patience: 0, temperature: [1.0, 0.5]}"))
    done = space.run()
    assert done.returncode == 0, done.stderr
    rules = space.rules(done)
    assert [rules.count(r) for r in ("prepare", "pretrain", "embed", "probe", "robustness")] == [0, 1, 1, 1, 1]
    assert space.results()["cell"].nunique() == 5


def test_a_probe_edit_trains_nothing(space):
    space.write(TINY.replace("[linear, knn]", "[knn]").replace("description", "rank_by: {probe: knn}\ndescription"))
    rules = space.rules(space.run("-n"))
    assert "pretrain" not in rules
    assert "embed" not in rules
    assert rules.count("probe") == 4


def test_a_failing_method_becomes_a_row(space):
    space.write(TINY.replace("{train.patience: 0}", "{train.patience: 0, temperature: [1.0, -1.0]}"))
    done = space.run()
    assert done.returncode == 0, done.stderr
    rows = space.results().drop_duplicates("cell").set_index("cell")
    failed = rows[rows["status"] != "ok"]
    assert list(failed["status"]) == ["failed"]
    assert "temperature" in failed["reason"].iloc[0]
    record = json.loads(
        (space.folder / "results" / "runs" / failed.index[0] / "pretrain.json").read_text(encoding="utf-8")
    )
    assert "Traceback" in (space.folder / record["traceback"]).read_text(encoding="utf-8")
    assert "temperature" in (space.board / "report.html").read_text(encoding="utf-8")


def test_a_killed_run_resumes(space):
    space.write(TINY.replace("methods", "seeds: [0, 1]\nmethods"))
    before = set(space.folder.glob("results/runs/*/*/*/*/pretrain.json"))
    run = subprocess.Popen(
        space.command(), cwd=space.folder, env=space.environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while (
        len(new := set(space.folder.glob("results/runs/*/*/*/*/pretrain.json")) - before) < 3
    ):  # the last one may have been cut off
        assert time.monotonic() < deadline
        assert run.poll() is None
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    kept = {path: path.stat().st_mtime_ns for path in new}
    assert space.run("--unlock").returncode == 0
    done = space.run()
    assert done.returncode == 0, done.stderr
    assert space.rules(done).count("pretrain") < 4
    assert any(path.stat().st_mtime_ns == moment for path, moment in kept.items())
    assert set(space.results()["seed"]) == {0, 1}


def test_a_wrong_key_stops_the_dry_run_without_a_traceback_of_ours(space):
    space.write(TINY.replace("probes:", "probs:"))
    done = space.run("-n")
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert "probs: unknown key (did you mean probes?)" in told
    assert "spec.py" not in told


def test_a_damaged_record_stops_the_run(space):
    space.write(TINY)
    assert space.run().returncode == 0
    cell = next(cell for cell in space.results()["cell"] if cell.startswith("wine/scarf"))
    (space.folder / "results" / "runs" / cell / "embed.json").write_text("{", encoding="utf-8")
    done = space.run()
    assert done.returncode != 0
    assert "not a readable JSON record" in done.stdout + done.stderr
