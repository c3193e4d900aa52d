"""Fingerprints of code: the syntax trees a stage depends on, without comments, docstrings and formatting."""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
# An edit here changes no number, so it must not void hours of pretraining.
NEUTRAL = frozenset(
    {"", "checkpoint", "records", "supervise", "provenance", "catalog", "data", "data.card", "data.sources", "__main__"}
)


def digest(content: Any, length: int = 8) -> str:
    """The first hex digits of the sha256 of a JSON value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:length]


def fingerprint(modules: Iterable[str]) -> str:
    """Digest of modules (dotted, relative to the package) and of every package module they import."""
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in reached and module not in NEUTRAL:
            reached.add(module)
            waiting.extend(imports(module))
    return digest({module: tree_digest(module) for module in sorted(reached)}, 16)


@cache
def tree_digest(module: str) -> str:
    """Digest of one module's syntax tree."""
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    return digest(_form(tree), 16)


def _form(node: Any) -> Any:
    """A syntax tree as JSON; empty fields are left out, since newer Pythons add some to every node."""
    if isinstance(node, ast.AST):
        fields = {name: _form(value) for name, value in ast.iter_fields(node) if value not in (None, [])}
        return [type(node).__name__, fields]
    return [_form(part) for part in node] if isinstance(node, list) else repr(node)


@cache
def imports(module: str) -> tuple[str, ...]:
    """The package modules that a module imports anywhere in its code."""
    tree = ast.parse(_file(module).read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= _from(node, module)
        elif isinstance(node, ast.Import):
            found |= {a.name.partition(".")[2] for a in node.names if a.name.split(".")[0] == PACKAGE.name}
    return tuple(sorted(found))


def _from(node: ast.ImportFrom, module: str) -> set[str]:
    """Modules of `from package.x import y`: y itself where it is a submodule, and x."""
    if node.level:
        raise ValueError(f"{module}: relative imports are not followed by fingerprints; write diptych.… instead")
    root, _, inner = (node.module or "").partition(".")
    if root != PACKAGE.name:
        return set()
    names = {f"{inner}.{a.name}".lstrip(".") for a in node.names}
    return {inner} | {name for name in names if _exists(name)}


def _drop_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    if node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
        node.body = node.body[1:]


def _exists(module: str) -> bool:
    path = PACKAGE / module.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _file(module: str) -> Path:
    """The file of a module or package; an unknown one is an error, never an empty fingerprint."""
    path = PACKAGE / module.replace(".", "/")
    candidates = [path.with_suffix(".py"), path / "__init__.py"]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise ValueError(f"no module {module} in {PACKAGE.name}: looked for {candidates[0]} and {candidates[1]}")
