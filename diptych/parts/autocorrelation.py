"""How long a series resembles itself."""

from typing import cast

import torch
from torch import Tensor

from diptych.parts.steps import inside

ENOUGH = 0.4  # of the steps of a series: a channel with fewer values says nothing
CHUNK = 256  # series whose spectra are in memory at once


def autocorrelation(content: object) -> Tensor:
    """|autocorrelation| at lags 0 … T − 1, mean over the channels, of series [n, T, C]: [n, T].

    The usual estimate, which falls to 0 at the last lag, from the pairs of values that were both seen. Channels count
    that vary and have at least 40 % of their steps; 0 where there is none. As in TRACE (Weatherhead et al. 2022).
    """
    return torch.cat([_autocorrelation(rows) for rows in torch.split(cast(Tensor, content), CHUNK)])


def _autocorrelation(x: Tensor) -> Tensor:
    length, steps = x.shape[1], inside(x).sum(1)[:, None, None]  # [n, 1, 1]
    seen = (~x.isnan()).to(x.dtype)
    centred = (x - x.nanmean(1, keepdim=True)).nan_to_num(0.0)
    pairs = _lagged(seen).round()  # [n, T, C]
    lag = torch.arange(length, device=x.device)[:, None]
    fewer = (1 - lag / steps).clamp_min(0)
    covariance = _lagged(centred) / pairs.clamp_min(1) * fewer
    variance = covariance[:, :1]
    counts = (seen.sum(1, keepdim=True) >= ENOUGH * steps) & (variance > 1e-8)  # [n, 1, C]
    found = (covariance / variance.clamp_min(1e-8)).abs() * counts
    return found.sum(2) / counts.sum(2).clamp_min(1)


def _lagged(x: Tensor) -> Tensor:
    """Σ_t x_t x_{t+lag} for all lags: [n, T, C] -> [n, T, C]."""
    length = x.shape[1]
    spectrum = torch.fft.rfft(x, n=2 * length, dim=1)
    found: Tensor = torch.fft.irfft(spectrum.abs().square(), n=2 * length, dim=1)
    return found[:, :length]


def neighbourhood(acf: Tensor, window: int, *, below: float, most: int) -> Tensor:
    """Steps [n] up to which a series resembles itself: a multiple of the window, at most `most` of it.

    The first lag at which the autocorrelation [n, T] is below a bound, rounded up: TRACE's rule.
    """
    low = acf[:, 1:] < below
    lag = torch.where(low.any(1), low.byte().argmax(1) + 1, acf.shape[1])
    return (-(-lag // window)).clamp(1, most) * window
