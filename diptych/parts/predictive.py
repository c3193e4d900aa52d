"""Contrastive predictive coding of series."""

import torch
from torch import Tensor, nn

from diptych.parts.objectives._similarity import log_sum_exp, same_object

States = tuple[Tensor, Tensor]  # [n, T', d] and whether they are inside a series [n, T']


class Predictive(nn.Module):
    """A GRU sums up what was; linear maps of its states predict what comes 1 … K states later.

    van den Oord, Li, Vinyals 2018, arXiv 1807.03748, section 2. Candidates of a prediction: the states of other series
    at the same time, and the states of the same series at other times.
    """

    def __init__(self, dim: int, *, hidden: int, ahead: int) -> None:
        super().__init__()
        self.memory = nn.GRU(dim, hidden, batch_first=True)
        self.predict = nn.ModuleList(nn.Linear(hidden, dim, bias=False) for _ in range(ahead))
        for weight in self.predict.parameters():
            nn.init.normal_(weight, std=0.01)  # so that the loss starts at the log of the number of candidates

    def contexts(self, states: States) -> Tensor:
        """States [n, T', d] -> what is known at each of them [n, T', hidden]."""
        contexts: Tensor = self.memory(states[0])[0]
        return contexts

    def forward(self, states: States, ids: Tensor) -> Tensor:
        """Mean InfoNCE of the predictions of all steps ahead."""
        z, alive = states
        if z.shape[1] < 2:
            raise ValueError(f"a future needs series of at least 2 states; these have {z.shape[1]}")
        context = self.contexts(states)
        ahead = range(1, min(len(self.predict), z.shape[1] - 1) + 1)
        losses = [
            _contrast(predict(context[:, :-k]), z[:, k:], alive[:, k:], ids)
            for k, predict in zip(ahead, self.predict, strict=False)
        ]
        return torch.stack(losses).mean()


def _contrast(predicted: Tensor, found: Tensor, alive: Tensor, ids: Tensor) -> Tensor:
    """InfoNCE of predictions [n, t, d] of the states [n, t, d] at the same place; over those inside a series."""
    n, steps, _ = found.shape
    across = torch.einsum("itd,jtd->itj", predicted, found)  # [n, t, n]
    within = torch.einsum("itd,isd->its", predicted, found)  # [n, t, t]
    own = torch.eye(n, dtype=torch.bool, device=found.device)
    kin = same_object(ids, n, found.device) & ~own
    hidden = [kin[:, None] | ~alive.mT[None], torch.eye(steps, dtype=torch.bool, device=found.device) | ~alive[:, None]]
    masks = torch.cat([part.expand(n, steps, -1) for part in hidden], 2)  # [n, t, n + t]
    anchors = alive.flatten()  # [n · t]
    logits, masks = torch.cat([across, within], 2).flatten(0, 1)[anchors], masks.flatten(0, 1)[anchors]
    positive = (predicted * found).sum(2).flatten()[anchors]
    return (log_sum_exp(logits, masks) - positive).sum() / anchors.sum().clamp_min(1)
