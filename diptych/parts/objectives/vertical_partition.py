"""The objective of TransTab."""

from collections.abc import Sequence

import torch
from torch import Tensor

from diptych.parts.objectives._checks import above_zero, per_row, rows
from diptych.parts.objectives._precision import product
from diptych.parts.objectives._similarity import log_sum_exp, same_object


def vertical_partition(views: Sequence[Tensor], *, temperature: float, ids: Tensor | None = None) -> Tensor:
    """Each part of a row finds its other parts among all parts of all rows, by dot product.

    `views` K of [n, d], A = [v1; …; vK], m = Kn, P(i) the other K − 1 parts of the row of A_i:
    L = 1/m Σ_i 1/(K−1) Σ_{p∈P(i)} [ lse_{k≠i} A_i·A_k/τ − A_i·A_p/τ ]. `ids` [n]: parts of rows of one object are no
    negatives of each other. Vectors are taken as they come. Wang & Sun 2022, arXiv 2205.09328, eq. 5 (self-VPCL).
    """
    rows(*views)
    above_zero(temperature=temperature)
    n, parts = len(views[0]), len(views)
    if n < 2 or parts < 2:
        raise ValueError(f"a batch of {n} rows in {parts} parts has no negatives or no positives; 2 or more are needed")
    per_row(n, ids=ids)
    everything = torch.cat([*views])  # [m, d]
    logits = product(everything, everything.mT) / temperature  # [m, m]
    own = torch.eye(len(everything), dtype=torch.bool, device=logits.device)
    positive = same_object(None, n, logits.device).repeat(parts, parts) & ~own
    kin = same_object(ids, n, logits.device).repeat(parts, parts)
    mean = logits.masked_fill(~positive, 0).sum(1) / (parts - 1)  # [m]
    return (log_sum_exp(logits, kin & ~positive) - mean).mean()
