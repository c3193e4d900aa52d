"""The temporal contrast of TS-TCC."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diptych.parts.objectives._similarity import one_way

States = tuple[Tensor, Tensor]  # [n, T', d] and whether they are inside a series [n, T']


class TemporalContrast(nn.Module):
    """A transformer sums up one view's past; linear maps of that context predict the other view's future.

    Eldele et al. 2021, TS-TCC, arXiv 2106.14112, section 3.2: states of unit length, pre-norm, no positions.
    """

    def __init__(self, dim: int, *, hidden: int, depth: int, heads: int, ahead: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim, hidden)
        self.token = nn.Parameter(torch.randn(hidden))
        layer = nn.TransformerEncoderLayer(hidden, heads, 64, 0.1, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.predict = nn.ModuleList(nn.Linear(hidden, dim) for _ in range(ahead))

    def moment(self, states: States, rng: torch.Generator) -> int:
        """The last step of the past, the same for the batch: U{0 … T' − K − 1}."""
        length = states[0].shape[1]
        if length < 2:
            raise ValueError(f"a future needs series of at least 2 states; these have {length}")
        latest = max(length - len(self.predict), 1)
        return int(torch.randint(latest, (), generator=rng, device=rng.device))

    def context(self, states: States, moment: int) -> Tensor:
        """States until the moment -> what is known there [n, hidden]."""
        z, alive = (part[:, : moment + 1] for part in states)
        past = self.project(F.normalize(z, dim=2))  # [n, t, hidden]
        token = self.token.expand(len(past), 1, -1)
        unseen = F.pad(~alive, (1, 0), value=False)  # [n, 1 + t]
        return cast(Tensor, self.layers(torch.cat([token, past], 1), src_key_padding_mask=unseen)[:, 0])

    def forward(self, context: Tensor, future: States, moment: int, ids: Tensor) -> Tensor:
        """InfoNCE from contexts [n, hidden] to the other view's states after the moment; negatives: other series."""
        z, alive = F.normalize(future[0], dim=2), future[1]
        steps = range(moment + 1, min(moment + 1 + len(self.predict), z.shape[1]))
        losses = [
            self._step(predict(context), z[:, step], alive[:, step], ids)
            for step, predict in zip(steps, self.predict, strict=False)
        ]
        return torch.stack(losses).mean()

    def _step(self, predicted: Tensor, found: Tensor, alive: Tensor, ids: Tensor) -> Tensor:
        """Of series that go on until this step; 0 where less than two do."""
        if alive.sum() < 2:
            return 0 * predicted.sum()
        return one_way(predicted[alive] @ found[alive].mT, ids[alive])
