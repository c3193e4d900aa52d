"""Noise-contrastive estimation."""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from diptych.parts.objectives._precision import single


def nce_logistic(positive_scores: Tensor, negative_scores: Tensor, *, noise_log_prob: Tensor | float) -> Tensor:
    """Tell each data point from its k draws of noise by logistic regression on the model's log density.

    positive_scores f⁺ [n], negative_scores f⁻ [n, k], noise_log_prob = log q, one number or [n, 1 + k] (the positive's
    first):  h(v) = σ(f(v) − log(k q(v))),  L = −1/n Σ_i [ log h(v_i⁺) + Σ_k log(1 − h(v_ik⁻)) ].
    Scores are taken as they come. Gutmann & Hyvärinen 2010 (AISTATS), eq. 3, with k draws for each point.
    """
    scores = _joined(positive_scores, negative_scores)  # [n, 1 + k]
    noise = torch.as_tensor(noise_log_prob, dtype=scores.dtype, device=scores.device)
    if noise.shape not in ((), scores.shape):
        raise ValueError(f"noise_log_prob must be one number or {list(scores.shape)}; the shape is {list(noise.shape)}")
    log_odds = scores - noise - math.log(negative_scores.shape[1])  # [n, 1 + k]
    return -(logsigmoid(log_odds[:, 0]) + logsigmoid(-log_odds[:, 1:]).sum(1)).mean()


def _joined(positive: Tensor, negative: Tensor) -> Tensor:
    if positive.ndim != 1 or negative.ndim != 2 or len(positive) != len(negative) or not negative.numel():
        raise ValueError(
            "positive_scores must be [n] and negative_scores [n, k], n and k at least 1; "
            f"the shapes are {list(positive.shape)} and {list(negative.shape)}"
        )
    return torch.cat([single(positive)[:, None], single(negative)], 1)
