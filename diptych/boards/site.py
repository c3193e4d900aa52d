"""How pages are made: templates, and the script and the styles that every page carries within itself."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from diptych.records import atomic

TEMPLATES = Path(__file__).parent.parent / "templates"
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'unsafe-inline'; script-src"


def write(path: Path, template: str, context: Mapping[str, Any], root: str = "") -> None:
    """Render a template into a file; `root` leads from the page to the folder of its board."""
    text = rendered(template, context, root)
    atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8") and None)


def rendered(template: str, context: Mapping[str, Any], root: str = "") -> str:
    """What a template makes of its context."""
    html = template.endswith("html")
    more = {"root": root, "scripts": scripts(), "styles": styles(), "policy": policy()} if html else {}
    return environment(html).get_template(template).render({**context, **more})


@cache
def environment(html: bool) -> jinja2.Environment:
    """Everything is escaped unless it is one of our own figures; an unknown name in a template is an error."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(
        loader=loader, autoescape=html, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@cache
def scripts() -> tuple[Markup, ...]:
    """DataTables, as the package itables bundles it, and our use of it. Safe: neither holds anything from data."""
    bundle = (files("itables") / "html" / "dt_bundle.js").read_text(encoding="utf-8")
    page = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    return Markup(_inline(bundle)), Markup(page)


def _inline(module: str) -> str:
    """A module as the content of a script element: its jQuery becomes global, and nothing in it ends the element."""
    exports = r"export\{[^}]*?(\w+) as jQuery[^}]*\};?"
    text, found = re.subn(exports, r"globalThis.jQuery=\1;", module)
    text = text.replace("<!--", r"<\!--")
    if found != 1 or "</script" in text.lower():
        raise ValueError("the bundle of itables has another form than the one that pages know how to embed")
    return text


@cache
def styles() -> Markup:
    """The styles of DataTables, then ours. Safe: no data in them."""
    bundle = (files("itables") / "html" / "dt_bundle.css").read_text(encoding="utf-8")
    return Markup(bundle + (TEMPLATES / "style.css").read_text(encoding="utf-8"))


@cache
def policy() -> Markup:
    """What a page may do: run its own two scripts, known by their digests, and reach nothing."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts()]
    return Markup(" ".join([POLICY, *(f"'sha256-{digest}'" for digest in digests)]))
