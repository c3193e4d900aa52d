"""The objective of MoCo: negatives come from a queue of older keys."""

import torch
from torch import Tensor

from diptych.parts.objectives._checks import above_zero, rows
from diptych.parts.objectives._queued import older_copies, queued
from diptych.parts.objectives._similarity import cosine, log_sum_exp, row_cosine


def moco(query: Tensor, key: Tensor, queue: Tensor, *, temperature: float, ids: Tensor | None = None) -> Tensor:
    """Each query finds its key among the k keys of the queue, by cosine; keys of the batch are no negatives.

    query, key [n, d], queue [k, d]:  L = 1/n Σ_i [ lse( s(q_i, k_i)/τ, {s(q_i, u)/τ}_{u∈queue} ) − s(q_i, k_i)/τ ].
    Key and queue carry no gradient; enqueue after the loss, else the positive is a negative too. `ids` [n + k], the
    objects of the queries and then of the queue: older copies of an object are no negatives of it.
    He et al. 2020, arXiv 1911.05722, eq. 1.
    """
    rows(query, key)
    above_zero(temperature=temperature)
    queued(queue, query)
    positive = row_cosine(query, key.detach()) / temperature  # [n]
    logits = torch.cat([positive[:, None], cosine(query, queue.detach()) / temperature], 1)  # [n, 1 + k]
    return (log_sum_exp(logits, older_copies(ids, query, queue, own=1)) - positive).mean()
