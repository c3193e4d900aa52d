"""diptych: a benchmark of contrastive representation learning, for every modality."""

__version__ = "0.1.0"


def load(cell: str) -> "Embedder":
    """The trained encoder of a finished cell; see `diptych.embedder.Embedder`."""
    from diptych.embedder import Embedder

    return Embedder.of(cell)


if False:  # for type checkers only: importing the package must stay free of torch
    from diptych.embedder import Embedder
