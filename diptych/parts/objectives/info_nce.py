"""The one-way objective of SCARF and SimCSE."""

from torch import Tensor

from diptych.parts.objectives._similarity import check, cosine, one_way


def info_nce(query: Tensor, key: Tensor, *, temperature: float, ids: Tensor | None = None) -> Tensor:
    """Each query finds its own key among the n keys, by cosine; queries are no candidates.

    query, key [n, d]:  L = 1/n Σ_i [ lse_j s(q_i, k_j)/τ − s(q_i, k_i)/τ ]; `ids` [n] hides keys of the same object.
    van den Oord et al. 2018, arXiv 1807.03748, eq. 4. SCARF (arXiv 2106.15147, alg. 1) takes the mean over candidates
    inside the logarithm: its value is this one minus log n, its gradient the same.
    """
    check(query, key, temperature, ids)
    return one_way(cosine(query, key) / temperature, ids)
