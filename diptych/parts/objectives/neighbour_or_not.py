"""The objective of temporal neighbourhood coding."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from diptych.parts.objectives._precision import single


def neighbour_or_not(near: Tensor, far: Tensor, *, weight: float = 0.0) -> Tensor:
    """Logits of near windows are to say 1 and those of far ones 0, of which a share `weight` may be alike all the same.

    near [n, k], far [n, k]:  L = ½ mean [ BCE(near, 1) + w BCE(far, 1) + (1 − w) BCE(far, 0) ].
    Tonekaboni, Eytan, Goldenberg 2021, TNC, arXiv 2106.00750; with w = 0 TRACE's (Weatherhead et al. 2022).
    """
    if near.ndim != 2 or near.shape != far.shape or not near.numel():
        raise ValueError(
            f"near and far must be [n, k], both at least 1; the shapes are {[*near.shape]}, {[*far.shape]}"
        )
    near, far = single(near), single(far)
    return torch.stack([softplus(-near), weight * softplus(-far) + (1 - weight) * softplus(far)]).mean()
