"""What contrastive objectives share: checks, cosine logits and the log-sum-exp over their candidates."""

import torch
from torch import Tensor

from diptych.parts.objectives._checks import above_zero, per_row, rows
from diptych.parts.objectives._precision import product
from diptych.parts.objectives.unit import unit


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine similarity [n, m] of the rows of `a` [n, d] and `b` [m, d]."""
    return product(unit(a), unit(b).mT)


def row_cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine similarity [n] of each row of `a` [n, d] with the same row of `b` [n, d]."""
    return (unit(a) * unit(b)).sum(1)


def check(a: Tensor, b: Tensor, temperature: Tensor | float | None = None, ids: Tensor | None = None) -> None:
    """Raise with the reason where a contrastive loss of these inputs has no meaning."""
    rows(a, b)
    if len(a) < 2:
        raise ValueError(f"a batch of {len(a)} has no negatives; at least 2 samples are needed (train.batch_size)")
    if temperature is not None:
        above_zero(temperature=temperature)
    per_row(len(a), ids=ids)


def same_object(ids: Tensor | None, n: int, device: torch.device) -> Tensor:
    """Boolean [n, n]: rows of one object (a row with itself included), which are never negatives."""
    if ids is None:
        return torch.eye(n, dtype=torch.bool, device=device)
    return ids[:, None] == ids[None, :]


def have_negatives(hidden: Tensor) -> Tensor:
    """Boolean [n]: rows with a candidate that is not hidden [n, m]; an error where no row has one."""
    anchors = ~hidden.all(1)  # [n]
    if not anchors.any():
        raise ValueError("no row of the batch has a negative: all are views of one object")
    return anchors


def log_sum_exp(logits: Tensor, hidden: Tensor) -> Tensor:
    """log Σ exp over the candidates of each row that are not hidden: [n, m] -> [n]."""
    return logits.masked_fill(hidden, -torch.inf).logsumexp(1)


def one_way(logits: Tensor, ids: Tensor | None) -> Tensor:
    """mean_i [ lse_j l_ij − l_ii ] of logits [n, n]; other rows of the same object are no candidates."""
    n = len(logits)
    own = torch.eye(n, dtype=torch.bool, device=logits.device)
    hidden = same_object(ids, n, logits.device) & ~own
    return (log_sum_exp(logits, hidden) - logits.diagonal()).mean()
