"""What in-batch objectives share: checks, cosine logits and the log-sum-exp over their candidates."""

import torch
from torch import Tensor

from diptych.parts.objectives.unit import unit


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine similarity [n, m] of the rows of `a` [n, d] and `b` [m, d]."""
    with torch.autocast(a.device.type, enabled=False):
        return unit(a) @ unit(b).mT


def check(a: Tensor, b: Tensor, temperature: float | None = None, ids: Tensor | None = None) -> None:
    """Raise with the reason where a contrastive loss of these inputs has no meaning."""
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(f"the two sides must both be [n, d]; they are {list(a.shape)} and {list(b.shape)}")
    if len(a) < 2:
        raise ValueError(f"a batch of {len(a)} has no negatives; at least 2 samples are needed (train.batch_size)")
    if temperature is not None and not temperature > 0:
        raise ValueError(f"temperature must be above 0, it is {temperature}")
    if ids is not None and ids.shape != (len(a),):
        raise ValueError(f"ids must name each of the {len(a)} rows, their shape is {list(ids.shape)}")


def same_object(ids: Tensor | None, n: int, device: torch.device) -> Tensor:
    """Boolean [n, n]: rows of one object (a row with itself included), which are never negatives."""
    if ids is None:
        return torch.eye(n, dtype=torch.bool, device=device)
    return ids[:, None] == ids[None, :]


def log_sum_exp(logits: Tensor, hidden: Tensor) -> Tensor:
    """log Σ exp over the candidates of each row that are not hidden: [n, m] -> [n]."""
    return logits.masked_fill(hidden, -torch.inf).logsumexp(1)


def one_way(logits: Tensor, ids: Tensor | None) -> Tensor:
    """mean_i [ lse_j l_ij − l_ii ] of logits [n, n]; other rows of the same object are no candidates."""
    n = len(logits)
    own = torch.eye(n, dtype=torch.bool, device=logits.device)
    hidden = same_object(ids, n, logits.device) & ~own
    return (log_sum_exp(logits, hidden) - logits.diagonal()).mean()
