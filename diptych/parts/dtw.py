"""Dynamic time warping of many pairs of series at once."""

import torch
from torch import Tensor
from torch.nn import functional as F

from diptych.parts.steps import ends

VALUES = 2**18  # of a diagonal of all pairs at once: they stay in the cache


def cells(steps: int, band: int) -> int:
    """The cells of a pair's alignment of `steps` by `steps` that lie at most `band` steps off the diagonal."""
    return steps * (2 * band + 1) - band * (band + 1)


def warped(x: Tensor, y: Tensor, *, band: int) -> Tensor:
    """Squared DTW distances of series [n, T, C] and [m, T, C], all channels warped alike: [n, m].

    The steps of a pair are aligned that are at most `band` apart, or as far as their lengths differ (Sakoe, Chiba
    1978). NaN at the end is no part of a series; elsewhere it is 0, the mean.
    """
    size = max(VALUES // (len(y) * (band + 1) * x.shape[2]), 1)
    return torch.cat([_warped(part, y, band) for part in torch.split(x, size)])


def _warped(x: Tensor, y: Tensor, band: int) -> Tensor:
    """Along the anti-diagonals of the alignments: the cells of one depend on the two before only."""
    n, m, last = ends(x)[1][:, None], ends(y)[1][None], x.shape[1] - 1
    end, bands = n + m, (n - m).abs().clamp_min(band)  # [n, m]
    known, reach, narrower = set(end.flatten().tolist()), int(bands.max()), bool((bands < bands.max()).any())
    x, y = x.nan_to_num(0.0).transpose(0, 1), y.nan_to_num(0.0).transpose(0, 1).flip(0)  # [T, n, C], [T, m, C]
    found = x.new_zeros(1, *bands.shape)
    older, before = _Diagonal(found, -1), _Diagonal(found + torch.inf, -1)
    for s in range(max(known) + 1):  # of cells (i, s − i)
        low, high = max(0, s - last, (s - reach + 1) // 2), min(last, s, (s + reach) // 2)
        cost = x[low : high + 1, :, None] - y[last - s + low : last - s + high + 1, None]
        cost = cost.square().sum(3)  # [cells, n, m]
        if narrower:
            apart = (2 * torch.arange(low, high + 1, device=x.device) - s).abs()  # [cells]
            cost = cost.masked_fill(apart[:, None, None] > bands, torch.inf)
        above, left, corner = before.at(low - 1, high - 1), before.at(low, high), older.at(low - 1, high - 1)
        older, before = before, _Diagonal(cost + above.minimum(left).minimum(corner), low)
        if s in known:
            last_cell = (n - low).clamp(0, high - low).expand_as(end)[None]
            found = torch.where(end == s, before.values.gather(0, last_cell), found)
    return found[0]


class _Diagonal:
    """Costs [cells, n, m] of an anti-diagonal, whose first cell is in row `low`; infinite beyond."""

    def __init__(self, values: Tensor, low: int) -> None:
        self.values, self.low = values, low

    def at(self, low: int, high: int) -> Tensor:
        """The cells in rows low ... high."""
        end = self.low + len(self.values) - 1
        return F.pad(self.values, (0, 0, 0, 0, self.low - low, high - end), value=torch.inf)
