"""The soft nearest neighbour loss."""

import torch
from torch import Tensor

from diptych.parts.objectives._checks import above_zero
from diptych.parts.objectives._distances import all_distances
from diptych.parts.objectives._labels import positives
from diptych.parts.objectives._similarity import log_sum_exp


def soft_nearest_neighbour(z: Tensor, *, labels: Tensor, temperature: float) -> Tensor:
    """A neighbour drawn by nearness has the anchor's class.

    z [n, d] taken as it comes, labels [n]; mean over anchors that have a neighbour of their class:
    L = mean_i −log( Σ_{j≠i, y_j=y_i} e^{−‖z_i−z_j‖²/T} / Σ_{k≠i} e^{−‖z_i−z_k‖²/T} ).
    Frosst, Papernot & Hinton 2019, arXiv 1902.01889, eq. 1 (which has no rule for a class of one).
    """
    above_zero(temperature=temperature)
    positive = positives(z, labels)  # [n, n]
    anchors = positive.any(1)  # [n]
    logits = -all_distances(z).square()[anchors] / temperature  # [a, n]
    own = torch.eye(len(z), dtype=torch.bool, device=z.device)[anchors]
    return (log_sum_exp(logits, own) - log_sum_exp(logits, ~positive[anchors])).mean()
