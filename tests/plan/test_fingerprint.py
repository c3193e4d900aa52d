"""An edit reruns what uses the edited code, and nothing else."""

import ast
import shutil

import pytest

from diptych import catalog, fingerprint, jobs
from diptych.plan import Plan

TEXT = """
name: mine
datasets: [wine, digits, mutag]
controls: [raw]
methods: {scarf: {}, simclr: {datasets: [digits]}, graphcl: {}}
train: {epochs: 1}
probes: [linear, finetune]
robustness: {missing_mcar: [0.2]}
"""
ALL = {"pretrain", "embed", "probe", "robustness", "finetune"}
ENCODER = ALL - {"probe"}  # what reads the method itself
SCORING = {"probe", "robustness", "finetune"}
EVERY = ("scarf", "simclr", "graphcl", "raw")
EDITS = {
    "methods/scarf.py": {("scarf", s) for s in ENCODER},
    "views/field_corruption.py": {("scarf", s) for s in ENCODER},
    "encoders/gin.py": {(m, s) for m in ("graphcl", "raw_mutag") for s in ENCODER},
    # Seeding lives beside the loop, and embedding is seeded too; its inputs change with the training anyway.
    "train.py": {(m, s) for m in EVERY for s in ENCODER},
    "probes/linear.py": {(m, s) for m in EVERY for s in ("probe", "robustness")},
    "probes/finetune.py": {(m, "finetune") for m in EVERY},
    "probes/svm.py": set(),
    "metrics/accuracy.py": {(m, s) for m in EVERY for s in SCORING},
    "corruptions/missing_mcar.py": {(m, "robustness") for m in EVERY},
    "corruptions/missing_block.py": set(),
    "records.py": set(),
    "provenance.py": set(),
    "supervise.py": set(),
    "__main__.py": set(),
    "board.py": set(),
    "track.py": set(),
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package whose files a test may edit."""
    copy = tmp_path / "diptych"
    shutil.copytree(catalog.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "PACKAGE", copy)
    _forget()
    yield copy
    _forget()


def _forget():
    fingerprint.imports.cache_clear()
    fingerprint.tree_digest.cache_clear()


def _jobs(plan):
    found = {}
    for cell in plan.cells:
        for stage in plan.cell_stages(cell):
            found[cell.dataset, cell.method, stage] = plan.cell_job(stage, cell)
    return found


def _changed(plan, file, addition):
    before = _jobs(plan)
    file.write_text(file.read_text(encoding="utf-8") + addition, encoding="utf-8")
    _forget()
    after = _jobs(plan)
    return {key for key in before if before[key] != after[key]}


@pytest.mark.parametrize("file", EDITS)
def test_an_edit_changes_exactly_the_jobs_that_use_it(file, package, benchmark_file):
    plan = Plan(benchmark_file(TEXT))
    changed = _changed(plan, package / file, "\nEDITED = 1\n")
    wanted = {(d, m, s) for d, m, s in _jobs(plan) if (m, s) in EDITS[file] or (f"{m}_{d}", s) in EDITS[file]}
    assert changed == wanted


@pytest.mark.parametrize("file", ["methods/scarf.py", "train.py", "probes/linear.py"])
def test_a_comment_changes_nothing(file, package, benchmark_file):
    assert not _changed(Plan(benchmark_file(TEXT)), package / file, "\n# a remark\n")


def test_a_docstring_changes_nothing(package, benchmark_file):
    file = package / "methods" / "scarf.py"
    plan = Plan(benchmark_file(TEXT))
    before = _jobs(plan)
    text = file.read_text(encoding="utf-8")
    first = text.index('"""')
    file.write_text(text[: first + 3] + "Another word. " + text[first + 3 :], encoding="utf-8")
    _forget()
    assert _jobs(plan) == before


def test_a_field_that_only_newer_pythons_know_changes_nothing():
    old, new = (ast.parse("def f(x): return x") for _ in range(2))
    new.body[0].type_params = []  # Python 3.12
    new.body[0]._fields = (*ast.FunctionDef._fields, "type_params")
    assert fingerprint._form(old) == fingerprint._form(new)
    assert fingerprint._form(old) != fingerprint._form(ast.parse("def f(x): return -x"))


def test_every_module_of_the_package_can_be_followed(package):
    for file in package.rglob("*.py"):
        module = ".".join(file.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
        for imported in fingerprint.imports(module.replace("__init__", "")):
            assert imported == "" or fingerprint._file(imported).exists()


def test_an_unknown_module_is_an_error():
    with pytest.raises(ValueError, match="no module methods.nowhere"):
        fingerprint.fingerprint(["methods.nowhere"])


def test_relative_imports_are_refused(package):
    (package / "methods" / "bad.py").write_text("from . import scarf\n", encoding="utf-8")
    with pytest.raises(ValueError, match="relative imports"):
        fingerprint.fingerprint(["methods.bad"])


def test_every_stage_has_a_job():
    stages = {file.stem for file in (catalog.PACKAGE / "stages").glob("*.py")} - {"__init__"}
    assert stages == set(jobs.JOBS)
