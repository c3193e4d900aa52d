"""The objective of SwAV: predict the cluster code of one crop from another."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from diptych.parts.objectives._checks import above_zero, rows
from diptych.parts.objectives._precision import single
from diptych.parts.objectives.sinkhorn import sinkhorn


def swav(
    scores: Sequence[Tensor], *, temperature: float, epsilon: float, iterations: int, assign: Sequence[int]
) -> Tensor:
    """Each crop predicts, by its scores with the prototypes, the balanced codes of the crops that assign codes.

    scores: one [n, k] for each crop, cosines with k unit prototypes; assign: places of the crops that assign;
    q = sinkhorn(sg scores):  L = mean_{i∈assign} mean_{v≠i} mean_n −Σ_k q_i,nk log softmax(scores_v/τ)_nk.
    Caron et al. 2020, arXiv 2006.09882, eq. 1 and 2, multi-crop sec. 3.2.
    """
    if not assign or len(set(assign)) < len(assign) or not all(0 <= crop < len(scores) for crop in assign):
        raise ValueError(f"assign must name different crops in 0 … {len(scores) - 1}, at least one; it is {assign}")
    rows(*scores)
    codes = {crop: sinkhorn(scores[crop], epsilon=epsilon, iterations=iterations) for crop in assign}
    return swapped_prediction(scores, codes, temperature=temperature)


def swapped_prediction(scores: Sequence[Tensor], codes: Mapping[int, Tensor], *, temperature: float) -> Tensor:
    """Cross-entropy of given codes {crop: [n, k]} with the scores [n, k] of every other crop.

    The second half of `swav`, for codes that were computed with more samples than the batch (its queue).
    """
    above_zero(temperature=temperature)
    if len(scores) < 2 or not codes:
        raise ValueError(f"2 or more crops and 1 or more codes are needed; there are {len(scores)} and {len(codes)}")
    rows(*scores, *codes.values())
    log_p = [(single(crop) / temperature).log_softmax(1) for crop in scores]  # [n, k] each
    terms = [-(code.detach() * log_p[v]).sum(1) for i, code in codes.items() for v in range(len(scores)) if v != i]
    return torch.stack(terms).mean()
