"""Tables of published numbers: against measured ones, how far apart they are, and those that cannot be compared."""

from __future__ import annotations

from typing import Any

from diptych.boards import links
from diptych.boards.tables import Entry, Table, number, spread
from diptych.claims import NOT_HERE, Elsewhere
from diptych.stats import Summary


def claims(found: list[dict[str, Any]]) -> Table:
    """Claimed against measured."""
    headings = (
        Entry("data set"),
        Entry("method"),
        Entry("probe, metric"),
        Entry("claimed", kind="number"),
        Entry("measured", title="mean ± sd over seeds", kind="number"),
        Entry("difference", title="to the nearer end of the claimed range", kind="number"),
        Entry("verdict", title="inside: the claim lies within 2 sd of the measured mean, or the mean in the range"),
        Entry("source"),
    )
    sources = [_source(c) for c in found]
    repeated = [source == before for source, before in zip(sources, [None, *sources], strict=False)]
    shown = [Entry("″", kind="muted") if r else source for source, r in zip(sources, repeated, strict=True)]
    return Table(headings, tuple((*_claim(c), source) for c, source in zip(found, shown, strict=True)))


def _source(c: dict[str, Any]) -> Entry:
    return Entry(c["source"], below=f"{c['differences']} {_mark(c['mark'], c['file'])}".strip())


def _mark(mark: str, file: str) -> str:
    return f"[read in {file}]" if mark == "read" else "[recalled, not re-read: does not count]"


def _claim(c: dict[str, Any]) -> tuple[Entry, ...]:
    claimed = number(c["low"]) if c["low"] == c["high"] else f"{number(c['low'])}–{number(c['high'])}"
    settings = ", ".join(f"{name}={value}" for name, value in c["settings"].items())
    difference = f"{c['difference']:+.3f}" if c["seeds"] else "–"
    kind = {"inside": "good", "outside": "bad"}.get(c["verdict"].split(" ")[0], "muted")
    return (
        Entry(str(c["dataset"]), below=str(c["condition"]), link=links.dataset_page(c["dataset"])),
        Entry(str(c["method"]), below=settings, link=links.method_page(c["method"]) if c["seeds"] else ""),
        Entry(f"{c['probe']}, {c['metric']}"),
        Entry(claimed, below=c["kind"], kind="number"),
        _measured(c),
        Entry(difference, kind="number"),
        Entry(c["verdict"] if c["counts"] else f"({c['verdict']})", kind=kind),
    )


def _measured(c: dict[str, Any]) -> Entry:
    summary = Summary(c["mean"], c["sd"], c["seeds"])
    link = links.cells_of(c["dataset"], c["condition"], c["method"]) if summary.n else ""
    return Entry(spread(summary), below=f"n = {c['seeds']}", kind="number", value=summary.mean, link=link)


def agreement(found: list[dict[str, Any]]) -> Table:
    """Published against measured over data sets, a line for each method and kind."""
    headings = (
        Entry("method"),
        Entry("probe, metric"),
        Entry("kind"),
        Entry("data sets", kind="number"),
        Entry("mean |difference|", title="over data sets; claims on one data set are averaged", kind="number"),
        Entry("mean difference", title="measured − claimed: positive where this suite is above", kind="number"),
    )
    rows = tuple(
        (
            Entry(str(a["method"]), below=str(a["condition"])),
            Entry(f"{a['probe']}, {a['metric']}"),
            Entry(str(a["kind"])),
            Entry(str(a["datasets"]), kind="number"),
            Entry(f"{a['absolute']:.4f}", kind="number"),
            Entry(f"{a['difference']:+.4f}", kind="number"),
        )
        for a in found
    )
    return Table(headings, rows)


def elsewhere(found: list[Elsewhere]) -> Table:
    """Published numbers on data that is not here, and the nearest protocol that is."""
    headings = (Entry("method"), Entry("data and protocol"), Entry("published"), Entry("closest here"), Entry("source"))
    rows = tuple(
        (
            Entry(known.method),
            Entry(known.data, below=NOT_HERE),
            Entry(", ".join(f"{metric} {value:g}" for metric, value in known.values.items()) or "not re-read"),
            Entry(known.closest),
            Entry(known.source, below=_mark(known.mark, known.file)),
        )
        for known in found
    )
    return Table(headings, rows)
