"""The objective of GraphCL."""

from torch import Tensor

from diptych.parts.objectives._similarity import check, cosine, have_negatives, log_sum_exp, same_object


def decoupled_info_nce(query: Tensor, key: Tensor, *, temperature: float, ids: Tensor | None = None) -> Tensor:
    """InfoNCE whose denominator holds the negatives only; the value may be below 0.

    query, key [n, d]:  L = 1/n Σ_i [ lse_{j≠i} s(q_i, k_j)/τ − s(q_i, k_i)/τ ]; `ids` [n] hides keys of the same
    object, and a row that has no negative left is no anchor. You et al. 2020, arXiv 2010.13902, eq. 3.
    """
    check(query, key, temperature, ids)
    logits = cosine(query, key) / temperature  # [n, n]
    hidden = same_object(ids, len(query), query.device)
    anchors = have_negatives(hidden)  # [n]
    return (log_sum_exp(logits[anchors], hidden[anchors]) - logits.diagonal()[anchors]).mean()
