"""Mixtures of two samples: linear ones, and those of spectra, by magnitude and phase apart or by frequency."""

import math

import torch
from scipy.special import betaincinv
from torch import Tensor


def beta(alpha: float, rng: torch.Generator) -> float:
    """One draw from Beta(α, α)."""
    uniform = float(torch.rand((), generator=rng, device=rng.device, dtype=torch.float64))
    return float(betaincinv(alpha, alpha, uniform))


def truncated_normal(n: int, low: float, deviation: float, rng: torch.Generator) -> Tensor:
    """n draws from N(1, deviation²), of those between `low` and 1."""
    least = math.erf((low - 1) / (deviation * math.sqrt(2)))
    uniform = torch.rand(n, generator=rng, device=rng.device)
    return (1 + deviation * math.sqrt(2) * torch.erfinv(least * (1 - uniform))).clamp(low, 1)


def spectral(x: Tensor, partner: Tensor, magnitude: Tensor, phase: Tensor) -> Tensor:
    """Series mixed by magnitude and by phase, along the shorter arc, at each frequency of each channel.

    x and its partner [n, T, C], the shares of x in both [n]: A⁺ = λ_A A + (1 − λ_A) Ã, P⁺ = P − (1 − λ_P) Δ with
    Δ = P − P̃ in (−π, π]. So a rhythm that both share is never cancelled. A missing value counts as 0, its training
    mean, and stays missing in x. Demirel, Holz 2023, Finding order in chaos, arXiv 2309.13439, equations 5 and 6.
    """
    own, other = (torch.fft.rfft(series.nan_to_num(0.0), dim=1, norm="ortho") for series in (x, partner))
    arc = (own * other.conj()).angle()  # Δ
    size = magnitude[:, None, None] * own.abs() + (1 - magnitude)[:, None, None] * other.abs()
    mixed = torch.polar(size, own.angle() - (1 - phase)[:, None, None] * arc)
    return torch.where(x.isnan(), torch.nan, torch.fft.irfft(mixed, n=x.shape[1], dim=1, norm="ortho"))


def shares_of(latents: Tensor, order: Tensor, rng: torch.Generator, *, threshold: float) -> tuple[Tensor, Tensor]:
    """Shares λ_A, λ_P [n] of each series in its mixture with the one at `order`, by latents [n, d] of the series.

    Where their cosine is above the threshold: U(.7, 1) and U(.9, 1), else both near 1 (section 3.2).
    """
    alike = torch.cosine_similarity(latents, latents[order], dim=1).detach() > threshold  # [n]
    shares = []
    for low in (0.7, 0.9):
        uniform = low + (1 - low) * torch.rand(len(latents), generator=rng, device=rng.device)
        shares.append(torch.where(alike, uniform, truncated_normal(len(latents), low, 0.1, rng)))
    return shares[0], shares[1]


def with_bins_of(x: Tensor, partner: Tensor, chosen: Tensor, *, protected: int) -> Tensor:
    """Series in which `chosen` frequencies [n, T // 2 + 1, 1 or C] are those of their partner; both [n, T, C].

    The `protected` strongest of each channel stay. A missing value counts as 0, its training mean, and stays missing.
    Liu, Chen 2024, TimesURL, arXiv 2312.15709. The authors' code returns the modulus of the complex result and takes
    the order of the bins for their ranks, so that signs are lost and nothing is protected.
    """
    own, other = (torch.fft.rfft(series.nan_to_num(0.0), dim=1) for series in (x, partner))  # [n, T // 2 + 1, C]
    rank = own.abs().argsort(1, descending=True).argsort(1)
    mixed = torch.where(chosen & (rank >= protected), other, own)
    return torch.where(x.isnan(), torch.nan, torch.fft.irfft(mixed, n=x.shape[1], dim=1))


def universum(z: Tensor, rng: torch.Generator, *, share: float) -> Tensor:
    """Points of no class, near each row of m groups [m, k ≥ 2, d]: a share of it, the rest of another row.

    Partners follow each other on one random cycle through all k rows, so no row is mixed with itself. Liu, Chen 2024,
    TimesURL, arXiv 2312.15709, "double universum".
    """
    order = torch.randperm(z.shape[1], generator=rng, device=z.device)
    partner = order.roll(1)[order.argsort()]
    return share * z + (1 - share) * z[:, partner]
