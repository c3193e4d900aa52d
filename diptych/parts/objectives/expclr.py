"""ExpCLR: distances between embeddings follow distances between expert features."""

import math

from torch import Tensor

from diptych.parts.objectives._checks import above_zero, rows
from diptych.parts.objectives._distances import all_distances


def expclr(z: Tensor, features: Tensor, *, delta: float, temperature: float, largest: float | None = None) -> Tensor:
    """Two samples are as far apart as their expert features are dissimilar; badly placed pairs weigh most.

    z [n, d], features f [n, m], both taken as they come (standardise f on the training split; it carries no gradient):
    s_ij = 1 − ‖f_i−f_j‖ / max_kl ‖f_k−f_l‖,  L_ij = ((1 − s_ij) Δ − ‖z_i−z_j‖)²,  L = τ log( 1/n² Σ_ij e^{L_ij/τ} ).
    `largest` is the greatest feature distance, of the training split say; without it, the batch's own, which makes
    s depend on the batch. Nonnenmacher et al. 2022, arXiv 2206.11517, sec. 3.
    """
    above_zero(delta=delta, temperature=temperature)
    rows(z)
    rows(features)
    if len(z) != len(features) or len(z) < 2:
        raise ValueError(f"z and features must have equally many rows, 2 or more; they have {len(z)}, {len(features)}")
    dissimilarity = _scaled(all_distances(features.detach()), largest)  # [n, n] 1 − s
    errors = (delta * dissimilarity - all_distances(z)).square().flatten()  # [n²]
    worst = errors.max().detach()
    # τ (lse(L/τ) − log n²) in a form that keeps its digits where τ is large and does not overflow where it is small
    return worst + temperature * ((errors - worst) / temperature).expm1().mean().log1p()


def _scaled(distance: Tensor, largest: float | None) -> Tensor:
    """Feature distances over their maximum."""
    maximum = float(distance.max()) if largest is None else largest
    if not 0 < maximum < math.inf:
        raise ValueError(f"the largest feature distance must be above 0 and finite, it is {maximum} (all equal?)")
    return distance / maximum
