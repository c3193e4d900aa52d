"""A multilayer perceptron that sees a table row in overlapping subsets of its columns."""

from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diptych.batch import Input
from diptych.parts.fields import fields_of
from diptych.parts.method import Encoder


class SubsetMlp(Encoder):
    """One shared network for all subsets of the fields; a row is the mean of their latents.

    SubTab's encoder (Ucar et al. 2021, arXiv 2110.04361): a linear map and LeakyReLU per layer. Windows of equal size,
    each reaching back over `overlap` of its predecessor's share. The last one ends with the last field, so that every
    field is seen (the public code drops those beyond subsets · ⌊fields / subsets⌋). A one-hot field stays whole;
    subsets with fewer columns are filled up with zeros. A missing value becomes 0.
    """

    modality = "tabular"
    columns: Tensor

    def __init__(
        self, facts: dict[str, Any], *, dim: int = 256, depth: int = 1, subsets: int = 4, overlap: float = 0.75
    ) -> None:
        super().__init__()
        if depth < 1 or subsets < 1 or not 0 <= overlap <= 1:
            raise ValueError(
                f"subset_mlp needs encoder.depth and encoder.subsets of at least 1 and an encoder.overlap of 0 … 1; "
                f"they are {depth}, {subsets} and {overlap:g}"
            )
        self.dim, self.subsets = dim, subsets
        self.register_buffer("columns", windows(fields_of(facts), subsets, overlap), persistent=False)  # [subsets, W]
        widths = [self.columns.shape[1]] + [dim] * depth
        self.layers = nn.Sequential(*(nn.Sequential(nn.Linear(*ends), nn.LeakyReLU()) for ends in pairwise(widths)))

    def forward(self, x: Input) -> Tensor:
        """Encoded rows [n, F] -> mean latent [n, dim]."""
        rows = cast(Tensor, x)
        return torch.stack([self.latent(rows, subset) for subset in range(self.subsets)]).mean(0)

    def latent(self, x: Tensor, subset: int) -> Tensor:
        """Encoded rows [n, F] -> latent of one subset [n, dim]."""
        seen = F.pad(x.nan_to_num(0.0), (0, 1))[:, self.columns[subset]]  # [n, W]; column F is what fills up
        return cast(Tensor, self.layers(seen))


def windows(fields: Tensor, subsets: int, overlap: float) -> Tensor:
    """The columns of each subset of fields [subsets, W], filled up with F; `fields` [F]."""
    count = int(fields.max()) + 1
    share = -(-count // subsets)
    back = int(overlap * share + 1e-9)
    size = min(share + back, count)
    starts = [min(max(subset * share - back, 0), count - size) for subset in range(subsets)]
    chosen = [((fields >= start) & (fields < start + size)).nonzero()[:, 0] for start in starts]
    return nn.utils.rnn.pad_sequence(chosen, batch_first=True, padding_value=len(fields))
