"""The objective of CLOCS."""

from collections.abc import Sequence

import torch
from torch import Tensor

from diptych.parts.objectives._checks import above_zero, per_row, rows
from diptych.parts.objectives._precision import product
from diptych.parts.objectives._similarity import same_object
from diptych.parts.objectives.unit import unit


def clocs(views: Sequence[Tensor], *, patients: Tensor, temperature: float) -> Tensor:
    """In each other view, a row finds its own and its patient's other rows among all rows of that view, by cosine.

    `views` V of [n, d], patients [n], p^{AB} = softmax_j s(A_i, B_j)/τ, O the pairs i ≠ j of one patient:
    L = −2/(V(V−1)) Σ_{A≠B} [ mean_i log p^{AB}_ii + mean_{ij∈O} log p^{AB}_ij ], the second mean 0 without such pairs.
    Kiyasseh, Zhu, Clifton 2021, arXiv 2005.13249. The public code keeps the last pair of views alone, and
    takes each pair of O in one direction only.
    """
    rows(*views)
    above_zero(temperature=temperature)
    n, count = len(views[0]), len(views)
    if n < 2 or count < 2:
        raise ValueError(f"{n} rows in {count} views have no negatives or no positives; 2 or more of both are needed")
    per_row(n, patients=patients)
    z = unit(torch.cat([*views]))  # [V n, d]
    logits = (product(z, z.mT) / temperature).view(count, n, count, n)  # [V, n, V, n]
    found = logits.log_softmax(3).transpose(1, 2)  # [V, V, n, n]: of view A, in view B
    own = same_object(None, n, z.device)
    others = same_object(patients, n, z.device) & ~own
    both = _mean_over(own, found) + _mean_over(others, found)  # [V, V]
    across = ~torch.eye(count, dtype=torch.bool, device=z.device)
    return -2 * both[across].mean()


def _mean_over(pairs: Tensor, found: Tensor) -> Tensor:
    """Mean of [V, V, n, n] over the pairs [n, n]; 0 where there is none."""
    return found.masked_fill(~pairs, 0).sum((2, 3)) / pairs.sum().clamp_min(1)
