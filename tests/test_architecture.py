"""Imports only point down; planning, probing and reporting do not import torch."""

import ast
import subprocess
import sys

import pytest

from diptych.catalog import PACKAGE

LAYERS = {  # a package folder may import from the folders named here (and from itself)
    "methods": {"parts", "batch"},
    "views": {"parts", "batch"},
    "encoders": {"parts", "batch"},
    "parts": {"batch"},
    "probes": {"components", "batch", "parts"},
    "metrics": {"components"},
    "corruptions": {"data", "components"},
    "imputers": {"data", "components"},
    "data": {"records", "components", "corruptions", "fingerprint"},
}


def _imports(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "diptych":
            yield (node.module or "").split(".")[1] if "." in (node.module or "") else node.names[0].name
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("diptych."))


@pytest.mark.parametrize("folder", LAYERS)
def test_imports_point_down(folder):
    for file in (PACKAGE / folder).rglob("*.py"):
        upward = set(_imports(file)) - LAYERS[folder] - {folder}
        assert not upward, f"{file.relative_to(PACKAGE)} imports {upward}"


@pytest.mark.parametrize(
    "modules",
    [
        ["plan", "state", "tools", "outlook", "documentation"],
        ["stages.probe", "stages.track", "stages.aggregate", "stages.report"],
        ["stages.download", "stages.prepare", "supervise"],
    ],
)
def test_without_torch(modules):
    code = f"import sys; {'; '.join(f'import diptych.{m}' for m in modules)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_training_and_probing_do_not_import_mlflow():
    code = "import sys, diptych.stages.pretrain, diptych.train, diptych.stages.probe; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_method_files_are_short():
    for file in (PACKAGE / "methods").glob("*.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 60, file.name
