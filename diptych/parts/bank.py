"""One row per training sample, kept from visit to visit."""

import math

import torch
from torch import Tensor, nn

from diptych.parts.objectives.unit import unit


class Bank(nn.Module):
    """Unit rows [n, d] that follow the embeddings of their samples: InstDisc, arXiv 1805.01978."""

    rows: Tensor
    keys: Tensor

    def __init__(self, samples: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("rows", unit(torch.randn(samples, dim)))  # [n, d]
        self.register_buffer("keys", -1 - torch.arange(samples))  # [n], object ids; an unseen sample is its own

    def objects(self, index: Tensor, key: Tensor) -> Tensor:
        """The object of every row [n], the samples `index` [b] being the objects `key` [b]."""
        self.keys[index] = key
        return self.keys

    @torch.no_grad()
    def update(self, index: Tensor, z: Tensor, momentum: float) -> None:
        """M_i ← unit(m M_i + (1 − m) ẑ_i) for the samples `index` [b] with embeddings z [b, d]."""
        self.rows[index] = unit(momentum * self.rows[index] + (1 - momentum) * unit(z))


class Normaliser(nn.Module):
    """log Z of scores that stand for log densities over m entries: estimated from the first batch, then fixed."""

    log_z: Tensor

    def __init__(self, entries: int) -> None:
        super().__init__()
        self.entries = entries
        self.register_buffer("log_z", torch.tensor(math.inf))  # until the first batch

    def forward(self, scores: Tensor) -> Tensor:
        """scores [n, 1 + k], the drawn ones after the positive -> scores − log Z, Z = m · mean exp of drawn scores."""
        if self.log_z.isinf():
            self.log_z.copy_(math.log(self.entries) + scores[:, 1:].detach().exp().mean().log())
        return scores - self.log_z
