"""Packages that diptych can do without."""


class Unavailable(RuntimeError):
    """A package that a row needs is not installed; the row is skipped."""


def missing(method: str, packages: str, extra: str) -> Unavailable:
    """The error for a row whose packages, those of an optional extra, are not installed."""
    install = f"pip install 'diptych[{extra}]' (in a checkout: pip install '.[{extra}]')"
    return Unavailable(f"{method} needs {packages}: {install}, then `diptych retry`")
