"""The reconstruction objective of masked autoencoders."""

from torch import Tensor

from diptych.parts.objectives._checks import binary
from diptych.parts.objectives._precision import single

EPSILON = 1e-6  # beside the variance of a patch: a constant patch becomes 0


def mae(predicted: Tensor, target: Tensor, *, mask: Tensor, normalise: bool) -> Tensor:
    """The squared error of the patches that were removed, and of no other.

    predicted, target [n, l, p] (l patches of p values), mask [n, l], 1 = removed:
    L = Σ mask · mean_p (predicted − target)² / Σ mask, over the removed patches of the whole batch; where `normalise`,
    targets are (t − mean)/√(var + 1e-6) of their own patch (unbiased variance). Targets carry no gradient.
    He et al. 2022, arXiv 2111.06377, sec. 3.
    """
    _check(predicted, target, mask)
    wanted = single(target.detach())
    if normalise:
        wanted = _normalised(wanted)
    error = (single(predicted) - wanted).square().mean(2)  # [n, l]
    return error[mask.bool()].mean()


def _normalised(patches: Tensor) -> Tensor:
    if patches.shape[2] < 2:
        raise ValueError("normalised targets need patches of at least 2 values; these have 1")
    return (patches - patches.mean(2, keepdim=True)) / (patches.var(2, keepdim=True) + EPSILON).sqrt()


def _check(predicted: Tensor, target: Tensor, mask: Tensor) -> None:
    if predicted.ndim != 3 or predicted.shape != target.shape or mask.shape != predicted.shape[:2]:
        raise ValueError(
            "predicted and target must both be [n, l, p] and mask [n, l]; "
            f"the shapes are {list(predicted.shape)}, {list(target.shape)} and {list(mask.shape)}"
        )
    binary(mask=mask)
    if not mask.any():
        raise ValueError("the mask removes no patch; at least one entry must be 1")
