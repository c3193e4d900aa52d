"""What an engineer would measure of a series: the expert features of ExpCLR."""

import torch
from torch import Tensor

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def expert_features(x: Tensor) -> Tensor:
    """Summary statistics of each channel of series [n, T, C] as [n, 13 C]; missing where nothing was seen.

    Mean, deviation, skewness, kurtosis, five quantiles, step-to-step deviation, autocorrelation at one step, share of
    mean crossings, dominant frequency.
    """
    mean = x.nanmean(1, keepdim=True)  # [n, 1, C]
    deviation = (x - mean).square().nanmean(1, keepdim=True).sqrt()
    z = (x - mean) / deviation.clamp_min(1e-6)
    quantiles = x.nanquantile(torch.tensor(QUANTILES, device=x.device, dtype=x.dtype), 1).unbind(0)  # [n, C] each
    moments = [mean[:, 0], deviation[:, 0], (z**3).nanmean(1), (z**4).nanmean(1)]
    return torch.cat([*moments, *quantiles, *_in_time(z)], 1)


def _in_time(z: Tensor) -> list[Tensor]:
    """What depends on the order of the steps of standardised series [n, T, C]: [n, C] each."""
    before, after = z[:, :-1], z[:, 1:]
    crossing = torch.where((before * after).isnan(), torch.nan, (before * after < 0).to(z.dtype))
    size = torch.fft.rfft(z.nan_to_num(0.0), dim=1).abs()  # [n, T // 2 + 1, C]; the mean is gone
    dominant = (size.argmax(1) / size.shape[1]).masked_fill(z.isnan().all(1), torch.nan)
    return [(after - before).square().nanmean(1).sqrt(), (before * after).nanmean(1), crossing.nanmean(1), dominant]


def diameter(f: Tensor) -> float:
    """The greatest distance between two rows of [n, m]."""
    return max(float(torch.cdist(rows, f).max()) for rows in torch.split(f, 512))
