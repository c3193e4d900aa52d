"""Nearest neighbour under dynamic time warping."""

from typing import cast

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from diptych.batch import Batch
from diptych.parts.dtw import cells, warped
from diptych.parts.labels import labels_of
from diptych.parts.method import Recipe, View
from diptych.parts.untrained import Untrained

LIMIT = 5e9  # cells of alignments times channels: one to two minutes on one core


class Dtw(Untrained):
    """The vote of the training series nearest under dynamic time warping, as a one-hot vector: any probe reads it off.

    `window` is the band as a share of the length, 0 the Euclidean distance. A series never votes for rows of its own
    key, so a training row's vote is that of the others. Votes are of clean labels whatever a probe's labels suffer.
    """

    role = "supervised"  # it sees labels
    paper = "Sakoe, Chiba 1978, Dynamic programming algorithm optimization for spoken word recognition, IEEE ASSP 26"
    modalities = {"series": "identity"}
    uses = frozenset({"label"})
    missing = "impute_mean"
    recipe = Recipe(steps=0)
    rows: Tensor  # [m, T, C], of the training split
    label: Tensor  # [m]
    key: Tensor  # [m]

    def __init__(self, encoder: nn.Module, view: View, *, window: float = 0.1) -> None:
        super().__init__(nn.Identity(), view)  # the encoder is no part of it
        if not 0 <= window <= 1:
            raise ValueError(f"dtw needs a window of 0 to 1, as a share of the length; it is {window:g}")
        self.band = round(window * view.facts["shape"][0])
        for name in ("rows", "label", "key"):
            self.register_buffer(name, torch.empty(0))

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """Keep the training series."""
        self.rows, self.label, self.key = cast(Tensor, train.x), labels_of(train), train.key
        n, (_, steps, channels) = len(train) + self.view.facts["n_test"], self.rows.shape
        if (work := n * len(train) * cells(steps, self.band) * channels) > LIMIT:
            size = f"{n} × {len(train)} pairs of {steps} steps and {channels} channels in a band of {self.band}"
            raise ValueError(f"dtw on {size} is {work:.1e} cells, more than {LIMIT:.0e}; lower `rows` or `window`")

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """[n, classes]."""
        distances = warped(cast(Tensor, batch.x), self.rows, band=self.band)  # [n, m]
        nearest = distances.masked_fill(batch.key[:, None] == self.key, torch.inf).argmin(1)
        return {"backbone": F.one_hot(self.label[nearest], self.view.facts["classes"]).to(distances)}
