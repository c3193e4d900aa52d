"""What the suite has: components and data sets found by file name, parsed and not imported where that is slow."""

import ast
import importlib
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from diptych.data.card import Card, cards

PACKAGE = Path(__file__).parent
KINDS = ("methods", "encoders", "views", "probes", "corruptions", "imputers", "metrics")
ENCODERS = {"image": "conv", "series": "dilated", "tabular": "mlp", "text": "transformer", "graph": "gin"}
FINE_TUNED = "finetune"  # the probe that trains the encoder: a stage of its own, the others read embeddings
PAIRS = {"image_text": ("image", "text")}  # paired modality -> its towers


@dataclass(frozen=True)
class Parameter:
    """A keyword-only argument of a constructor."""

    default: Any
    annotation: str


@dataclass(frozen=True)
class Component:
    """A method, encoder, view, probe, corruption, imputer or metric, as its file says without importing it."""

    kind: str
    name: str
    summary: str
    parameters: dict[str, Parameter] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


@cache
def components(kind: str) -> dict[str, Component]:
    """Every component of a kind by its file name."""
    files = sorted((PACKAGE / kind).glob("*.py"))
    return {f.stem: _parse(kind, f) for f in files if f.stem != "base" and not f.stem.startswith("_")}


@cache
def recipe_parameters() -> dict[str, Parameter]:
    """The fields of a recipe with their defaults: what `train.<field>` may set."""
    node = _classes(PACKAGE / "parts" / "method.py")["Recipe"]
    fields = [n for n in node.body if isinstance(n, ast.AnnAssign) and n.value]
    return {ast.unparse(n.target): Parameter(literal(n.value), ast.unparse(n.annotation)) for n in fields}


@cache
def _constants() -> dict[str, Any]:
    """What a class body may name instead of repeating it: the constants beside the contract of methods."""
    tree = ast.parse((PACKAGE / "parts" / "method.py").read_text(encoding="utf-8"))
    plain = [n for n in tree.body if isinstance(n, ast.Assign) and isinstance(n.value, ast.Dict)]
    return {ast.unparse(n.targets[0]): ast.literal_eval(n.value) for n in plain}


@cache
def base_attributes() -> dict[str, Any]:
    """Class attributes that a method has when its own file does not set them."""
    return _attributes(_classes(PACKAGE / "parts" / "method.py")["Method"])


@cache
def datasets() -> dict[str, Card]:
    """The card of every data set by name: a file has one, or those of a family."""
    files = sorted((PACKAGE / "data").glob("*.py"))
    names = [f.stem for f in files if re.search("^CARDS? = ", f.read_text(encoding="utf-8"), re.MULTILINE)]
    modules = [importlib.import_module(f"diptych.data.{name}") for name in names]
    found = [card for module in modules for card in cards(module)]
    return {card.name: card for card in sorted(found, key=lambda card: card.name)}


def towers(modality: str) -> tuple[str, ...]:
    """The single modalities a modality is made of: a pair has two."""
    return PAIRS.get(modality, (modality,))


def _parse(kind: str, file: Path) -> Component:
    """The one final public class of a component's file."""
    public = [node for name, node in _classes(file).items() if not name.startswith("_")]
    if len(public) != 1:
        raise ValueError(f"{file.relative_to(PACKAGE.parent)} must hold exactly one public class, it has {len(public)}")
    node = public[0]
    attributes = (base_attributes() if kind == "methods" else {}) | _attributes(node)
    summary = (ast.get_docstring(node) or "").partition("\n")[0]
    return Component(kind, file.stem, summary, _parameters(node), attributes)


def _classes(file: Path) -> dict[str, ast.ClassDef]:
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _parameters(node: ast.ClassDef) -> dict[str, Parameter]:
    """Keyword-only arguments of the constructor; a missing default is a ValueError of `literal`."""
    init = next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
    if init is None:
        return {}
    pairs = zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
    return {a.arg: Parameter(literal(d), ast.unparse(a.annotation) if a.annotation else "Any") for a, d in pairs}


def _attributes(node: ast.ClassDef) -> dict[str, Any]:
    annotated = [(n.target, n.value) for n in node.body if isinstance(n, ast.AnnAssign)]
    plain = [(n.targets[0], n.value) for n in node.body if isinstance(n, ast.Assign)]
    return {ast.unparse(target): literal(value) for target, value in [*annotated, *plain] if value is not None}


def literal(node: ast.expr | None) -> Any:
    """The value of a literal expression or of a constant; `Recipe(a=1)` gives {"a": 1}, `frozenset({…})` the set."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "frozenset":
            return frozenset(literal(node.args[0])) if node.args else frozenset()
        return {k.arg: literal(k.value) for k in node.keywords}
    if isinstance(node, ast.Name) and node.id in _constants():
        return _constants()[node.id]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return literal(node.left) | literal(node.right)
    if isinstance(node, ast.Attribute):  # np.inf, math.inf in bounds
        return float(node.attr) if node.attr in ("inf", "nan") else ast.unparse(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Attribute):
        return -float(literal(node.operand))
    if isinstance(node, ast.Tuple):
        return tuple(literal(part) for part in node.elts)
    if node is None:
        raise ValueError("every keyword-only argument needs a literal default")
    return ast.literal_eval(node)
