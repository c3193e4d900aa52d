"""MiniRocket's features (Dempster, Schmidt, Webb 2021, arXiv 2012.08791)."""

from itertools import combinations
from math import log2

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

LENGTH = 9  # of a kernel
KERNELS = tuple(combinations(range(LENGTH), 3))  # of 84 kernels: where its weight is 2; it is −1 elsewhere
DILATIONS = 32  # at most
TINY = 1e-5  # above rounding: the weights sum to 0, so of a constant stretch nothing else is left
VALUES = 2**23  # of convolutions at once


class MiniRocket(nn.Module):
    """Series [n, T, C] -> the share of steps at which a convolution exceeds its bias [n, 84 ⌊features / 84⌋].

    84 fixed kernels under each dilation, on the sum of some random channels; the biases are quantiles of a training
    series' convolution. A missing value is 0, the mean of the scaled training series.
    """

    weights: Tensor  # [84, 1, 9]
    channels: Tensor  # [dilations, 84, C], 1 where a convolution sees the channel
    biases: Tensor  # [84 ⌊features / 84⌋]

    def __init__(self, steps: int, features: int) -> None:
        super().__init__()
        if features < len(KERNELS):
            raise ValueError(
                f"minirocket has {len(KERNELS)} kernels, so features must be at least that, not {features}"
            )
        self.steps = max(steps, LENGTH)
        self.dilations, self.counts = dilations(self.steps, features // len(KERNELS))
        weights = torch.full((len(KERNELS), 1, LENGTH), -1.0)
        self.register_buffer("weights", weights.scatter(2, torch.tensor(KERNELS)[:, None], 2.0), persistent=False)
        self.register_buffer("channels", torch.empty(0))
        self.register_buffer("biases", torch.empty(0))

    def fit(self, x: Tensor, rng: torch.Generator) -> None:
        """Draw channels, and for each dilation and kernel a training series that gives its biases."""
        x, biases = self._filled(x), []
        self.channels = drawn_channels((len(self.dilations), len(KERNELS)), x.shape[1], rng)
        golden = (np.arange(1, sum(self.counts) * len(KERNELS) + 1) * (5**0.5 + 1) / 2) % 1  # low-discrepancy levels
        for number, level in enumerate(self._by_dilation(torch.from_numpy(golden).to(x))):
            rows = torch.randint(len(x), (len(KERNELS),), generator=rng, device=rng.device)
            own = self._convolved(x[rows], number).diagonal().T  # [84, T], each kernel on its series
            biases.append(_quantiles(own.contiguous(), level).flatten())
        self.biases = torch.cat(biases) + TINY

    def forward(self, x: Tensor) -> Tensor:
        """In chunks, because of each series there are 84 convolutions."""
        size = max(VALUES // (len(KERNELS) * self.steps), 1)
        return torch.cat([self._features(chunk) for chunk in torch.split(self._filled(x), size)])

    def _features(self, x: Tensor) -> Tensor:
        biases = enumerate(self._by_dilation(self.biases))
        return torch.cat([self._shares(self._convolved(x, number), number, bias) for number, bias in biases], 1)

    def _by_dilation(self, values: Tensor) -> list[Tensor]:
        """One value per feature -> [84, count] for each dilation."""
        parts = torch.split(values, [count * len(KERNELS) for count in self.counts])
        return [part.reshape(len(KERNELS), -1) for part in parts]

    def _shares(self, convolved: Tensor, number: int, biases: Tensor) -> Tensor:
        """[n, 84, T] -> [n, 84 · count]; every other kernel counts only steps at which it lies inside the series."""
        margin = LENGTH // 2 * self.dilations[number]
        found = torch.empty(len(convolved), len(KERNELS), self.counts[number], device=convolved.device)
        for start, part in ((0, convolved), (1, convolved[..., margin : self.steps - margin])):
            kernels = slice((start + number) % 2, None, 2)
            values = part[:, kernels]
            above = torch.empty_like(values)  # filled over and over: twice as fast as new ones
            for place, bias in enumerate(biases[kernels].unbind(1)):
                found[:, kernels, place] = torch.gt(values, bias[:, None], out=above).mean(2)
        return found.flatten(1)

    def _convolved(self, x: Tensor, number: int) -> Tensor:
        """[n, C, T] -> [n, 84, T]."""
        weights = self.weights * self.channels[number][:, :, None]  # [84, C, 9]
        dilation = self.dilations[number]
        return F.conv1d(x, weights, padding=LENGTH // 2 * dilation, dilation=dilation)

    def _filled(self, x: Tensor) -> Tensor:
        """[n, T, C] -> [n, C, T] without gaps, at least as long as a kernel."""
        x = x.nan_to_num(0.0).transpose(1, 2)
        return F.pad(x, (0, self.steps - x.shape[2]))


def dilations(steps: int, features: int) -> tuple[list[int], list[int]]:
    """Dilations up to the length of the series, evenly spaced in their logarithm, and the features of each kernel."""
    most = min(features, DILATIONS)
    spaced = np.logspace(0, log2((steps - 1) / (LENGTH - 1)), most, base=2).astype(int)
    found, counts = np.unique(spaced, return_counts=True)
    counts = (counts * (features / most)).astype(int)
    rest = np.arange(features - counts.sum()) % len(counts)
    return found.tolist(), (counts + np.bincount(rest, minlength=len(counts))).tolist()


def drawn_channels(shape: tuple[int, int], channels: int, rng: torch.Generator) -> Tensor:
    """One to nine channels for each convolution, few more often than many: [*shape, C], 1 where drawn."""
    uniform = torch.rand(shape, generator=rng, device=rng.device)
    counts = (uniform * log2(min(channels, LENGTH) + 1)).exp2().long()  # [*shape], 1 ... min(C, 9)
    order = torch.rand(*shape, channels, generator=rng, device=rng.device).argsort(-1).argsort(-1)
    return (order < counts[..., None]).float()


def _quantiles(values: Tensor, levels: Tensor) -> Tensor:
    """The quantiles of each row of [k, T] at its own levels [k, q], between neighbours by a straight line: [k, q]."""
    ordered, place = values.sort(1).values, levels * (values.shape[1] - 1)
    low = place.long()
    high = (low + 1).clamp_max(values.shape[1] - 1)
    return torch.lerp(ordered.gather(1, low), ordered.gather(1, high), place - low)
