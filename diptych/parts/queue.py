"""Rows of earlier batches, first in, first out."""

import torch
from torch import Tensor, nn

from diptych.parts.objectives.unit import unit

NOBODY = -1  # the object id of a random row


class Queue(nn.Module):
    """The last `size` unit rows of width `dim`, at first random: negatives of MoCo, neighbours of NNCLR.

    Beside each stand so many `notes` of its sample, whole numbers: NCL's recording and place in it.
    """

    rows: Tensor
    keys: Tensor
    notes: Tensor
    place: Tensor

    def __init__(self, size: int, dim: int, *, notes: int = 0) -> None:
        super().__init__()
        self.register_buffer("rows", unit(torch.randn(size, dim)))  # [K, d]
        self.register_buffer("keys", torch.full((size,), NOBODY))  # [K], object ids
        self.register_buffer("notes", torch.full((size, notes), NOBODY), persistent=notes > 0)  # [K, notes]
        self.register_buffer("place", torch.zeros((), dtype=torch.long))

    @property
    def full(self) -> bool:
        """Whether no random row is left."""
        return bool((self.keys != NOBODY).all())

    @torch.no_grad()
    def enqueue(self, z: Tensor, key: Tensor, notes: Tensor | None = None) -> None:
        """The rows z [n, d] of the objects `key` [n], with their `notes`, take the places of the oldest ones."""
        newest = slice(-len(self.rows), None)
        z, key = z[newest], key[newest]
        places = (self.place + torch.arange(len(z), device=z.device)) % len(self.rows)
        self.rows[places] = unit(z)
        self.keys[places] = key
        if notes is not None:
            self.notes[places] = notes[newest]
        self.place.copy_((self.place + len(z)) % len(self.rows))

    @torch.no_grad()
    def nearest(self, z: Tensor, key: Tensor, *, top: int = 1, rng: torch.Generator | None = None) -> Tensor:
        """The row most similar to each of z [n, d] by cosine that is not of the same object: [n, d].

        With `top` above 1 a random one of so many: MAE-CT, arXiv 2304.10520.
        """
        similarity = unit(z) @ self.rows.T  # [n, K]
        found = similarity.masked_fill(key[:, None] == self.keys, -torch.inf).topk(min(top, len(self.rows))).indices
        if top > 1:
            found = found.gather(1, torch.randint(found.shape[1], (len(z), 1), generator=rng, device=z.device))
        return self.rows[found[:, 0]]
