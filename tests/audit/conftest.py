"""One small benchmark of real stages, finished once; every forgery is undone after its test."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from stages.test_audit import run_stages

from diptych import aggregate, audits, evidence, plan, track
from diptych.bundles import pack
from diptych.records import read_json, sha256, write_json
from diptych.replay import OUTPUTS
from diptych.stages import report

BENCHMARK = """
name: forged
datasets: [digits, {csv: {file: wards.csv, target: ill, group: ward, metric: auroc}}]
methods: {simclr: {}}
controls: [random]
seeds: [0, 1]
rows: 40
train: {epochs: 1}
probes: [linear, knn, finetune]
robustness: {missing_mcar: [0, 0.4]}
rank_by: {probe: linear}
"""


def write_wards(path):
    """Patients of 20 wards: an own table with groups."""
    rng = np.random.default_rng(0)
    ill = rng.integers(0, 2, 160)
    values = rng.normal(size=(160, 6)) + 1.2 * ill[:, None]
    table = pd.DataFrame(values.round(3), columns=[f"m{i}" for i in range(6)])
    table.assign(ward=[f"w{i // 8}" for i in range(160)], ill=np.where(ill, "yes", "no")).to_csv(path, index=False)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    home = tmp_path_factory.mktemp("forged")
    (home / "forged.yaml").write_text(BENCHMARK, encoding="utf-8")
    write_wards(home / "wards.csv")
    planned = plan.load(str(home / "forged.yaml"), str(home / "results"))
    run_stages(planned)
    publish(planned)
    return planned


@pytest.fixture
def forged(finished, tmp_path):
    """The benchmark to forge; files are put back in place, since the store is held open."""
    home = finished.benchmark.parent
    shutil.copytree(home, tmp_path / "kept")
    yield finished
    shutil.copytree(tmp_path / "kept", home, dirs_exist_ok=True)
    plan.load.cache_clear()


def publish(planned):
    """Track, aggregate and report, as the workflow does; a forger's cover-up where files were changed."""
    folder = planned.root / "boards" / planned.name
    track.sync(planned)
    aggregate.write(planned, "", folder)
    report.run(benchmark=planned.benchmark.as_posix(), root=planned.root.as_posix(), uri="", marker=None)


def seal(planned):
    """Write the digests of the files that are there into the records of their stages."""
    for cell in planned.cells:
        files = evidence.cell_files(planned, cell)
        for stage, outputs in OUTPUTS.items():
            made = {name: sha256(files[role]) for name, role in outputs.items() if name != "record" and role in files}
            if made and files[evidence.STAGES[stage]].exists():
                record = read_json(files[evidence.STAGES[stage]])
                write_json(files[evidence.STAGES[stage]], record | {"made": made})


def cover(planned):
    """Note the digests of forged files, as if they had always been so."""
    seal(planned)
    path = planned.root / "boards" / planned.name / "ledger.json"
    path.write_text(json.dumps({"plan": planned.digest, "cells": aggregate.ledger(planned)}))


def audited(planned):
    return audits.run(planned.benchmark.as_posix(), planned.root.as_posix(), "", 0)


@pytest.fixture(scope="session")
def bundled(finished, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundles") / "forged.zip"
    pack.write(finished, out)
    return out


@pytest.fixture(scope="session")
def digits(finished, tmp_path_factory):
    """A bundle of data that anyone can have."""
    home = tmp_path_factory.mktemp("digits")
    text = finished.benchmark.read_text().replace(
        ", {csv: {file: wards.csv, target: ill, group: ward, metric: auroc}}", ""
    )
    (home / "forged.yaml").write_text(text)
    planned = plan.load(str(home / "forged.yaml"), str(home / "results"))
    shutil.copytree(finished.root / "data" / "digits", planned.root / "data" / "digits")
    shutil.copytree(finished.root / "runs" / "digits", planned.root / "runs" / "digits")
    publish(planned)
    pack.write(planned, home / "digits.zip")
    return home / "digits.zip"
