"""Features without learning: what a probe can do with the input itself."""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diptych.batch import Graphs, Input
from diptych.parts.method import contents
from diptych.parts.tokens import FIRST_WORD

TOKENS = 2000  # most frequent words of the training texts, which TF-IDF counts
DEGREES = 32  # bins of a degree histogram; the last holds all higher degrees


class RawFeatures(nn.Module):
    """A vector [n, F] per sample and modality: pixels or values, TF-IDF of tokens, sizes and histograms of graphs.

    A missing pixel takes its channel's training mean; any other missing value becomes 0, the mean after scaling.
    """

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.of = nn.ModuleDict({name: _Features() for name in names})

    def calibrate(self, x: Input) -> None:
        """Learn what is needed from the training split."""
        for name, content in contents(x).items():
            cast(_Features, self.of[name]).calibrate(content)

    def forward(self, x: Input) -> dict[str, Tensor]:
        """Content of a batch -> {name: [n, F]}."""
        return {name: self.of[name](content) for name, content in contents(x).items()}


class _Features(nn.Module):
    """The features of one modality."""

    fill: Tensor
    tokens: Tensor
    idf: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("fill", torch.empty(0))  # [C, 1, 1], of images
        self.register_buffer("tokens", torch.empty(0, dtype=torch.int64))  # [k], of texts
        self.register_buffer("idf", torch.empty(0))  # [k]

    def calibrate(self, x: Tensor | Graphs) -> None:
        """Learn channel means or token statistics from the training split."""
        if isinstance(x, Tensor) and x.ndim == 4:
            self.fill = x.nanmean((0, 2, 3))[:, None, None].nan_to_num(0.0)
        elif isinstance(x, Tensor) and not x.is_floating_point():
            frequency = torch.bincount(x.flatten())[FIRST_WORD:]
            top = frequency.argsort(descending=True, stable=True)[:TOKENS]
            self.tokens = top[frequency[top] > 0] + FIRST_WORD
            documents = (self._counts(x) > 0).sum(0)  # [k]
            self.idf = ((1 + len(x)) / (1 + documents)).log() + 1

    def forward(self, x: Tensor | Graphs) -> Tensor:
        """Content of a batch -> [n, F]."""
        if isinstance(x, Graphs):
            return _graph_statistics(x)
        if not x.is_floating_point():
            counts = self._counts(x)
            # sublinear TF-IDF of unit length, with scikit-learn's smoothing
            return F.normalize(torch.where(counts > 0, 1 + counts.clamp_min(1).log(), 0.0) * self.idf, dim=1)
        return torch.where(x.isnan(), self.fill if x.ndim == 4 else 0.0, x).flatten(1)

    def _counts(self, x: Tensor) -> Tensor:
        """How often each counted token occurs: [n, T] -> [n, k]."""
        k = len(self.tokens)
        highest = int(torch.cat([x.flatten(), self.tokens]).max())
        column = torch.full((highest + 1,), k, device=x.device).index_copy(
            0, self.tokens, torch.arange(k, device=x.device)
        )
        counts = torch.zeros(len(x), k + 1, device=x.device)
        return counts.scatter_add(1, column[x], torch.ones(x.shape, device=x.device))[:, :k]


def _graph_statistics(graphs: Graphs) -> Tensor:
    """Nodes, edges, degree histogram, summed attributes: [graphs, 2 + DEGREES + channels]."""
    degree = torch.bincount(graphs.edges[0], minlength=len(graphs.graph)).clamp_max(DEGREES - 1)  # [nodes]
    columns = torch.cat([F.one_hot(degree, DEGREES), torch.ones_like(degree)[:, None]], 1)
    of_nodes = torch.cat([columns.to(graphs.x.dtype), graphs.x.nan_to_num(0.0)], 1)  # [nodes, DEGREES + 1 + channels]
    summed = of_nodes.new_zeros(len(graphs), of_nodes.shape[1]).index_add(0, graphs.graph, of_nodes)
    edges = torch.bincount(graphs.graph[graphs.edges[0]], minlength=len(graphs))[:, None] / 2
    return torch.cat([summed, edges.to(summed.dtype)], 1)
