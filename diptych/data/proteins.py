"""PROTEINS: proteins as graphs of their helices, sheets and turns, from a mirror or a repository."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from diptych.data.base import Files, Raw
from diptych.data.card import Card, Source

if TYPE_CHECKING:
    import numpy as np

FILE = "proteins.mat"

CARD = Card(
    name="proteins",
    title="PROTEINS",
    modality="graph",
    metric="auroc",
    sources=(
        Source(
            kind="url",
            file=FILE,
            url="https://raw.githubusercontent.com/muhanzhang/DGCNN/"
            "7d3663b49561e57fe518f37af0023a364285eee1/data/raw_data/proteins.mat",
            sha256="2dc015b64e719acb0ca7ea4058b802e7cefdc30b611682a0f766e65f8c790280",
        ),
    ),
    mirror="tu_graphs",
    licence="none stated (TUDataset)",
    citation="Dobson & Doig 2003; Borgwardt et al. 2005; Morris et al. 2020, TUDataset, arXiv 2007.08663",
    n=1113,
    shape=(3,),
    classes=("1", "2"),
    split="stratified",
    caveats=("enzyme or not; the file does not say which class is which, so they are kept as published, 1 and 2",),
)


def read(files: Files) -> Raw:
    """All proteins; a node's attribute is its kind of secondary structure, neighbours are linked in both directions.

    scipy's reader of MATLAB 5 files only builds arrays: it calls no code named in the file and knows no pickle.
    """
    import numpy as np
    from scipy.io import loadmat

    from diptych.data._graphs import graph_arrays

    content = loadmat(io.BytesIO(files[FILE].read_bytes()))
    graphs = content["proteins"][0]
    kinds = [graph["nl"]["values"][0, 0].ravel() for graph in graphs]  # 1 … 3 for each node
    edges = [_edges(graph["am"]) for graph in graphs]
    sizes = [np.array([len(part) for part in kinds]), np.array([part.shape[1] for part in edges])]
    arrays = graph_arrays(np.concatenate(kinds).astype(int) - 1, sizes[0], np.concatenate(edges, axis=1), sizes[1])
    return Raw(arrays, content["lproteins"].ravel().astype(str))


def _edges(adjacency: Any) -> np.ndarray:
    """Both directions of every edge: [2, edges]."""
    import numpy as np

    dense = np.asarray(adjacency)
    return np.stack(np.nonzero(dense | dense.T))
