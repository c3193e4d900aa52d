"""Magnitude spectra of series, and small changes of them."""

import copy

import torch
from torch import Tensor, nn


def twin(encoder: nn.Module) -> nn.Module:
    """The same architecture with other initial weights in its layers."""
    other = copy.deepcopy(encoder)
    for part in other.modules():
        if callable(reset := getattr(part, "reset_parameters", None)):
            reset()
    return other


def magnitudes(x: Tensor) -> Tensor:
    """|rfft| over time of series [n, T, C]: [n, T // 2 + 1, C]; a missing value counts as 0, its training mean."""
    size: Tensor = torch.fft.rfft(x.nan_to_num(0.0), dim=1, norm="ortho").abs()
    return size


def disturbed(spectrum: Tensor, rng: torch.Generator, *, rate: float, height: float) -> Tensor:
    """Spectra [n, F, C] of which a share `rate` of the bins is removed, or, in half of the series, raised.

    By U(0, height) of the greatest magnitude of the channel. Zhang et al. 2022, TF-C, arXiv 2206.08496, section 4.2.
    """

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=rng, device=rng.device)

    n, bins, channels = spectrum.shape
    chosen = uniform(n, bins, channels) < rate
    more = spectrum + height * uniform(n, bins, channels) * spectrum.amax(1, keepdim=True)
    return torch.where(chosen, torch.where(uniform(n, 1, 1) < 0.5, 0.0, more), spectrum)


def consistency(own: Tensor, others: list[Tensor], margin: float) -> Tensor:
    """Σ max(0, S − S' + δ): time and frequency of a sample are to agree better than changed ones do, by a margin.

    The sum of the paper's section 4.3 has no bound below; a triplet loss has.
    """
    return torch.stack([(own - other + margin).relu() for other in others]).sum()
