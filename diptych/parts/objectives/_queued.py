"""What objectives share whose candidates come from a queue of older keys."""

import torch
from torch import Tensor
from torch.nn import functional as F

from diptych.parts.objectives._checks import per_row


def queued(queue: Tensor, query: Tensor) -> None:
    """The queue is [k, d] like the queries [n, d], and not empty."""
    if queue.ndim != 2 or not len(queue) or queue.shape[1] != query.shape[1]:
        raise ValueError(f"the queue must be [k, {query.shape[1]}] with k ≥ 1; its shape is {list(queue.shape)}")


def older_copies(ids: Tensor | None, query: Tensor, queue: Tensor, *, own: int) -> Tensor:
    """Boolean [n, own + k]: rows of the queue that are the query's own object; `own` candidates stand before them.

    `ids` [n + k] are the objects of the queries and then of the queue.
    """
    n, k = len(query), len(queue)
    if ids is None:
        return torch.zeros(n, own + k, dtype=torch.bool, device=query.device)
    per_row(n + k, ids=ids)
    return F.pad(ids[:n, None] == ids[None, n:], (own, 0), value=False)
