"""The objective of neighbourhood contrastive learning."""

import torch
from torch import Tensor

from diptych.parts.objectives._checks import above_zero, rows
from diptych.parts.objectives._queued import older_copies, queued
from diptych.parts.objectives._similarity import cosine, log_sum_exp


def ncl(
    query: Tensor,
    key: Tensor,
    queue: Tensor,
    *,
    neighbours: Tensor,
    alpha: float,
    temperature: float,
    ids: Tensor | None = None,
) -> Tensor:
    """A query finds its neighbours among all keys (share α of the loss), and its own key among its neighbours (1 − α).

    query, key [n, d], queue [k, d], `neighbours` boolean [n, n + k], in the batch and then in the queue; N(i) holds
    them and i. With l_ij = s(q_i, k_j)/τ over the keys of batch and queue:
    L = 1/n Σ_i α [ lse_j l_ij − mean_{j∈N(i)} l_ij ] + (1 − α) [ lse_{j∈N(i)} l_ij − l_ii ].
    Keys carry no gradient. `ids` [n + k], the objects of the queries and then of the queue: an older key of the query
    itself is no candidate. Yèche, Dresdner, Locatello, Hüser, Rätsch 2021, arXiv 2106.05142.
    """
    rows(query, key)
    above_zero(temperature=temperature)
    queued(queue, query)
    n, k = len(query), len(queue)
    if neighbours.shape != (n, n + k):
        raise ValueError(f"neighbours must be [{n}, {n + k}], query by key; the shape is {list(neighbours.shape)}")
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is a share, 0 … 1; it is {alpha:g}")
    logits = cosine(query, torch.cat([key, queue]).detach()) / temperature  # [n, n + k]
    hidden = older_copies(ids, query, queue, own=n)
    near = (neighbours | torch.eye(n, n + k, dtype=torch.bool, device=query.device)) & ~hidden
    aligned = log_sum_exp(logits, hidden) - logits.masked_fill(~near, 0).sum(1) / near.sum(1)  # [n]
    discriminated = log_sum_exp(logits, ~near) - logits.diagonal()  # [n]
    return (alpha * aligned + (1 - alpha) * discriminated).mean()
