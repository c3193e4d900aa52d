"""What samples of a data set look like: pictures, series, graphs, texts and rows, a few of each class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from diptych.boards.figures import Drawn, canvas, style, svg
from diptych.boards.looks import INK
from diptych.boards.tables import Entry, Table, number
from diptych.data.samples import GraphArrays, Samples, from_arrays
from diptych.records import read_npz

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

EACH, CLASSES = 2, 6  # samples of each class, classes
COLUMNS = 12  # of a table that are shown
LONGEST = 300  # characters of a text
TILE = (1.5, 1.6)  # inches
WIDE = (3.0, 1.7)
Shown = tuple[Drawn | None, Table | None]
Facts = dict[str, Any]


def show(data: Path, facts: Facts) -> Shown:
    """A figure or a table of training samples; nothing where the prepared file is not there or empty."""
    arrays = read_npz(data) if data.is_file() else {}
    if not {"modality", "label"} <= arrays.keys() or not len(arrays["label"]):
        return None, None
    samples = from_arrays(arrays)
    return SHOWN[samples.modality](samples, _chosen(samples), facts)


def _chosen(samples: Samples) -> np.ndarray:
    """The first training rows of the first classes."""
    train = np.flatnonzero(samples.split == 0)
    classes = np.unique(samples.label[train])[:CLASSES]
    rows = [train[samples.label[train] == c][:EACH] for c in classes]
    return np.concatenate(rows) if rows else train


def _class(samples: Samples, row: int, facts: Facts) -> str:
    names, code = facts.get("class_names") or [], int(samples.label[row])
    return str(names[code]) if code < len(names) else str(code)


def _drawn(
    samples: Samples, rows: np.ndarray, facts: Facts, draw: Callable[[Axes, int], object], size: tuple[float, float]
) -> Drawn:
    with style():
        figure, axes = canvas(len(rows), *size, columns=6 if size is TILE else 3)
        for axis, row in zip(axes, rows.tolist(), strict=True):
            draw(axis, row)
            axis.set_title(_class(samples, row, facts)[:24], fontsize=8)
        return "The first training samples of a class, as prepared.", svg(figure, "samples")


def _picture(axis: Axes, image: np.ndarray) -> None:
    """[C, H, W] in 0..1; one channel is grey, of more than three the first three are drawn."""
    channels = np.nan_to_num(image).clip(0, 1)
    pixels = channels[0] if len(channels) < 3 else channels[:3].transpose(1, 2, 0)
    axis.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.axis("off")


def _image(samples: Samples, rows: np.ndarray, facts: Facts) -> Shown:
    x = _array(samples.x)
    return _drawn(samples, rows, facts, lambda axis, row: _picture(axis, x[row]), TILE), None


def _series(samples: Samples, rows: np.ndarray, facts: Facts) -> Shown:
    x = _array(samples.x)

    def draw(axis: Axes, row: int) -> None:
        axis.plot(x[row][:, :8], lw=1, color=INK if x.shape[2] == 1 else None)

    return _drawn(samples, rows, facts, draw, WIDE), None


def _graph(samples: Samples, rows: np.ndarray, facts: Facts) -> Shown:
    """Nodes by the largest of their channels."""
    import networkx as nx

    graphs = samples.x
    assert isinstance(graphs, GraphArrays)

    def draw(axis: Axes, row: int) -> None:
        nodes = graphs.nodes[slice(*graphs.node_offsets[row : row + 2])]
        edges = graphs.edges[:, slice(*graphs.edge_offsets[row : row + 2])]
        graph = nx.Graph()
        graph.add_nodes_from(range(len(nodes)))
        graph.add_edges_from(edges.T.tolist())
        kind = np.nan_to_num(nodes).argmax(1)
        place = nx.spring_layout(graph, seed=0)
        nx.draw(graph, place, ax=axis, node_size=18, width=0.7, node_color=kind, cmap="viridis", edge_color=INK)

    return _drawn(samples, rows, facts, draw, WIDE), None


def _table(samples: Samples, rows: np.ndarray, facts: Facts) -> Shown:
    """Rows in the units of the source, a column for each field."""
    fields = list(enumerate(facts.get("columns") or []))[:COLUMNS]
    body = [
        (Entry(_class(samples, row, facts)), *(_value(samples, row, n, field) for n, field in fields))
        for row in rows.tolist()
    ]
    return None, Table((Entry("class"), *(Entry(str(field["name"])) for _, field in fields)), tuple(body))


def _value(samples: Samples, row: int, field: int, about: dict[str, Any]) -> Entry:
    at = np.flatnonzero(samples.statistics["field"] == field)
    x = _array(samples.x)[row, at].astype(float)
    levels = about.get("levels")
    if levels:
        known = np.isfinite(x).all() and x.max() > 0
        return Entry(str(levels[int(x.argmax())] or "other") if known else "–")
    plain = x[0] * samples.statistics["sd"][at[0]] + samples.statistics["mean"][at[0]]
    return Entry(number(float(plain)), kind="number", value=float(plain))


def _text(samples: Samples, rows: np.ndarray, facts: Facts) -> Shown:
    texts = _decoded(samples, _array(samples.x)[rows])
    body = ((Entry(_class(samples, row, facts)), Entry(text)) for row, text in zip(rows.tolist(), texts, strict=True))
    return None, Table((Entry("class"), Entry("text, as far as it is read")), tuple(body))


def _image_text(samples: Samples, rows: np.ndarray, facts: Facts) -> Shown:
    assert isinstance(samples.x, dict)
    images, texts = samples.x["image"], samples.x["text"]
    table = _text(samples.with_x(texts), rows, facts)[1]
    return _drawn(samples, rows, facts, lambda axis, row: _picture(axis, images[row]), TILE), table


def _decoded(samples: Samples, tokens: np.ndarray) -> list[str]:
    """Tokens back to text by the stored tokeniser."""
    from diptych.data._text import Tokenizer

    model = Tokenizer.restored(samples.statistics["tokenizer"]).model
    texts: list[str] = model.decode_batch([row[row != 0].tolist() for row in tokens])
    return [text if len(text) <= LONGEST else f"{text[:LONGEST]} …" for text in texts]


def _array(x: Any) -> np.ndarray:
    assert isinstance(x, np.ndarray)
    return x


SHOWN: dict[str, Callable[[Samples, np.ndarray, Facts], Shown]] = {
    "image": _image,
    "series": _series,
    "tabular": _table,
    "text": _text,
    "graph": _graph,
    "image_text": _image_text,
}
