"""MUTAG: molecules that do or do not damage the DNA of a bacterium, from the grakel wheel."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from diptych.data._archives import read_members
from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

if TYPE_CHECKING:
    import numpy as np

WHEEL = "grakel-0.1.11-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl"
FOLDER = "grakel/tests/data/MUTAG/MUTAG"
EFFECT = {1: "mutagenic", -1: "not mutagenic"}

CARD = Card(
    name="mutag",
    title="MUTAG",
    modality="graph",
    metric="auroc",
    sources=(
        Source(
            kind="pypi",
            file=WHEEL,
            package="grakel",
            version="0.1.11",
            python="3.11",
            platform="manylinux_2_28_x86_64",
            sha256="f05f03c1ca23919bbb1e9d9132de4e1791e004cdd284a7e98d2897ac8495f0a7",
        ),
    ),
    licence="none stated (TUDataset); grakel, which carries the files, is BSD-3-Clause",
    citation="Debnath et al. 1991, Structure-activity relationship of mutagenic nitro compounds; "
    "Morris et al. 2020, TUDataset, arXiv 2007.08663",
    n=188,
    shape=(7,),
    classes=("not mutagenic", "mutagenic"),
    split="stratified",
    caveats=("about 38 test molecules: one of them is 2.6 points of accuracy", "bond types are not used"),
)


def read(files: Files) -> Raw:
    """All molecules; a node's attribute is its atom (C, N, O, F, I, Cl, Br), a bond is two directed edges."""
    import numpy as np

    from diptych.data._graphs import graph_arrays

    parts = ("A", "graph_indicator", "graph_labels", "node_labels")
    members = read_members(files[WHEEL], [f"{FOLDER}_{part}.txt" for part in parts])
    edges, graph, effect, atom = (_integers(members[f"{FOLDER}_{part}.txt"]) for part in parts)
    sizes = np.bincount(graph - 1)  # nodes are listed graph by graph
    starts = np.cumsum(sizes) - sizes
    owner = graph[edges[:, 0] - 1] - 1  # [edges]
    order = np.argsort(owner, kind="stable")
    local = (edges - 1 - starts[owner][:, None])[order].T  # [2, edges]
    content = graph_arrays(atom, sizes, local, np.bincount(owner, minlength=len(sizes)))
    return Raw(content, np.array([EFFECT[sign] for sign in effect]))


def _integers(content: bytes) -> np.ndarray:
    import numpy as np

    return np.loadtxt(io.BytesIO(content), dtype=np.int64, delimiter=",")
