"""The class behind a component's name: one file holds one public, final class."""

import importlib
from functools import cache


@cache
def component(kind: str, name: str) -> type:
    """The one public class that `diptych/<kind>/<name>.py` defines."""
    module = importlib.import_module(f"diptych.{kind}.{name}")
    own = [c for c in vars(module).values() if isinstance(c, type) and c.__module__ == module.__name__]
    (found,) = [c for c in own if not c.__name__.startswith("_")]
    return found
