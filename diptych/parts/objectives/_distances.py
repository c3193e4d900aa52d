"""Euclidean distances with a gradient of 0, not infinity, between equal vectors."""

import torch
from torch import Tensor

from diptych.parts.objectives._precision import single


def row_distance(a: Tensor, b: Tensor) -> Tensor:
    """‖a_i − b_i‖₂ of the rows of two [n, d]: [n]."""
    distance: Tensor = torch.linalg.vector_norm(single(a) - single(b), dim=1)
    return distance


def all_distances(z: Tensor) -> Tensor:
    """‖z_i − z_j‖₂ of all rows of [n, d]: [n, n]."""
    # ‖a‖² + ‖b‖² − 2ab would be faster, but it cancels: equal rows would get a distance of 1e-3
    return torch.cdist(single(z), single(z), compute_mode="donot_use_mm_for_euclid_dist")
