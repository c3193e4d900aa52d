"""Rows of earlier batches, first in, first out."""

import torch
from torch import Tensor, nn

from diptych.parts.objectives.unit import unit

NOBODY = -1  # the object id of a random row


class Queue(nn.Module):
    """The last `size` unit rows of width `dim`, at first random: negatives of MoCo, neighbours of NNCLR."""

    rows: Tensor
    keys: Tensor
    place: Tensor

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("rows", unit(torch.randn(size, dim)))  # [K, d]
        self.register_buffer("keys", torch.full((size,), NOBODY))  # [K], object ids
        self.register_buffer("place", torch.zeros((), dtype=torch.long))

    @property
    def full(self) -> bool:
        """Whether no random row is left."""
        return bool((self.keys != NOBODY).all())

    @torch.no_grad()
    def enqueue(self, z: Tensor, key: Tensor) -> None:
        """The rows z [n, d] of the objects `key` [n] take the places of the oldest ones."""
        z, key = z[-len(self.rows) :], key[-len(self.rows) :]
        places = (self.place + torch.arange(len(z), device=z.device)) % len(self.rows)
        self.rows[places] = unit(z)
        self.keys[places] = key
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
