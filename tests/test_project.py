"""The project's own promises: one set of dependencies, a lock, texts up to date, README commands that exist."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from diptych import documentation

PROJECT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def test_conda_environment_states_the_same_dependencies():
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert sorted(set(pip) - {"-e ."}) == sorted(PYPROJECT["project"]["dependencies"])
    assert {"nodejs", "pip", f"python {PYPROJECT['project']['requires-python']}"} <= {
        entry for entry in environment["dependencies"] if isinstance(entry, str)
    }


def test_every_dependency_is_locked_to_one_version():
    lines = (PROJECT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", line) for line in lines)
    locked = {line.partition("==")[0].lower().replace("_", "-") for line in lines}
    extra = PYPROJECT["project"]["optional-dependencies"]["test"]
    for requirement in [*PYPROJECT["project"]["dependencies"], *extra]:
        assert re.split(r"[<>=]", requirement)[0] in locked, requirement


def test_generated_texts_are_up_to_date():
    assert not documentation.update(check=True), "run `diptych docs`"


@pytest.mark.parametrize(
    "verb", ["plan", "status", "retry", "show", "rungs", "list", "docs", "download", "pretrain", "audit"]
)
def test_every_verb_has_help(verb):
    done = subprocess.run(
        [sys.executable, "-m", "diptych", verb, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "usage: diptych" in done.stdout


def test_commands_of_the_readme_exist():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^make (\w+)", text, re.MULTILINE))
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert {"run", "test"} <= targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    for verb, file in re.findall(r"^diptych (\w+) (benchmarks/\S+)", text, re.MULTILINE):
        assert verb in ("plan", "status", "retry", "rungs", "bundle", "audit", "board")
        assert (PROJECT / file).exists()


@pytest.mark.parametrize("what", ["methods", "datasets", "probes", "corruptions", "imputers", "metrics", "benchmarks"])
def test_list_prints_a_table(what):
    command = [sys.executable, "-m", "diptych", "list", what]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    assert {"methods": "scarf", "datasets": "emoji", "probes": "svm", "benchmarks": "smoke"}.get(
        what, ""
    ) in done.stdout


def test_a_wrong_benchmark_ends_with_a_message_and_no_traceback(tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: x\ndatasets: [nowhere]\nmethods: {}\n", encoding="utf-8")
    command = [sys.executable, "-m", "diptych", "plan", str(bad)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "unknown data set 'nowhere'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("file", sorted((PROJECT / "benchmarks").glob("*.yaml")), ids=lambda f: f.stem)
def test_every_delivered_benchmark_plans(file):
    from diptych.plan import Plan

    if file.name == "config.yaml" or file.name.startswith("claims"):
        pytest.skip("not a benchmark file")
    assert Plan(str(file)).cells


def test_smoke_needs_only_what_a_clean_machine_gets():
    from diptych.plan import Plan

    plan = Plan(str(PROJECT / "benchmarks" / "smoke.yaml"))
    assert {card.modality for card in plan.cards.values()} == {
        "image",
        "series",
        "tabular",
        "text",
        "graph",
        "image_text",
    }
    for card in plan.cards.values():
        assert {source.kind for source in card.sources} & {"library", "pypi", "npm"}, card.name


def test_the_audit_of_make_is_a_target_and_no_setting():
    """What follows `--config` is read as settings."""
    said = subprocess.run(["make", "-n", "audit"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert re.search(r"snakemake audited --cores \S+ --config benchmark=benchmarks/smoke.yaml$", said, re.MULTILINE)


def test_a_reader_that_has_enough_ends_a_verb_without_a_traceback():
    command = [sys.executable, "-m", "diptych", "plan", "--jobs", "benchmarks/timeseries.yaml"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        run.stdout.readline()
        run.stdout.close()
        assert run.stderr.read() == ""
