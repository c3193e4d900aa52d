"""A learned colour space that keeps all information."""

import torch
from torch import Tensor, nn

CHANNELS = 3


class ColourFlow(nn.Module):
    """Additive couplings between channel 1 and channels 2–3: invertible, and its Jacobian's determinant is 1.

    y₁ = x₁ + s(x₂₃), y₂₃ = x₂₃ + t(y₁), `depth` times, with s and t of 1×1 convolutions: a change of colours, pixel by
    pixel. Tian et al. 2020, arXiv 2005.10243, section 4.2; couplings of NICE, arXiv 1410.8516.
    """

    def __init__(self, *, depth: int, hidden: int) -> None:
        super().__init__()
        self.first = nn.ModuleList(_colours(CHANNELS - 1, hidden, 1) for _ in range(depth))
        self.rest = nn.ModuleList(_colours(1, hidden, CHANNELS - 1) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, 3, H, W] in another colour space, of the same shape."""
        one, two = x[:, :1], x[:, 1:]
        for s, t in zip(self.first, self.rest, strict=True):
            one = one + s(two)
            two = two + t(one)
        return torch.cat([one, two], 1)

    def inverse(self, y: Tensor) -> Tensor:
        """Back to the colours that `forward` was given."""
        one, two = y[:, :1], y[:, 1:]
        for s, t in zip(reversed(self.first), reversed(self.rest), strict=True):
            two = two - t(one)
            one = one - s(two)
        return torch.cat([one, two], 1)


def _colours(d_in: int, hidden: int, d_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(d_in, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, d_out, 1))


def halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Channel 1 and channels 2–3 of [n, 3, H, W]; the others are NaN, which an encoder reads as the training mean."""
    first = torch.arange(CHANNELS, device=x.device)[:, None, None] == 0  # [3, 1, 1]
    return x.masked_fill(~first, torch.nan), x.masked_fill(first, torch.nan)
