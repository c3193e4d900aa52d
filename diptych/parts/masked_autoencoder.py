"""Masked autoencoding: which patches are hidden, and the decoder that draws them."""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from diptych.batch import Batch
from diptych.parts.capabilities import Patches
from diptych.parts.heads import xavier
from diptych.parts.objectives.mae import mae
from diptych.parts.patches import patches
from diptych.parts.positions import sine_cosine


class Mask(NamedTuple):
    """What is left of the patches of each image."""

    keep: Tensor  # [n, kept], numbers of the patches that stay, shuffled
    restore: Tensor  # [n, L], the inverse of the shuffle: where each patch stands in it
    removed: Tensor  # [n, L], True where a patch is hidden


def random_mask(n: int, count: int, rate: float, rng: torch.Generator) -> Mask:
    """Uniform noise per sample, sorted: the first L (1 − rate) patches of the order stay (at least one)."""
    kept = max(int(count * (1 - rate)), 1)
    order = torch.rand(n, count, generator=rng, device=rng.device).argsort(1)  # [n, L]
    restore = order.argsort(1)
    return Mask(order[:, :kept], restore, restore >= kept)


def unshuffle(states: Tensor, restore: Tensor) -> Tensor:
    """States [n, L, d] in shuffled order -> in reading order."""
    return states.gather(1, restore[..., None].expand(-1, -1, states.shape[2]))


class MaskedAutoencoder(nn.Module):
    """The decoder of MAE and its loss, for an encoder that it does not own.

    The encoder sees the patches that stay; a mask token stands for each other one; after blocks of its own width the
    decoder draws the pixels of all, and the loss looks at the hidden ones. He et al. 2022, arXiv 2111.06377, section 3.
    """

    def __init__(self, encoder: Patches, channels: int, *, dim: int, depth: int, heads: int) -> None:
        super().__init__()
        self.dim = dim
        self.embed = nn.Linear(encoder.dim, dim)
        self.blocks = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(dim, heads, 4 * dim, 0.0, "gelu", batch_first=True, norm_first=True)
                for _ in range(depth)
            )
        )
        self.norm = nn.LayerNorm(dim)
        self.pixels = nn.Linear(dim, channels * encoder.patch**2)
        xavier(self)
        self.hidden = nn.Parameter(torch.randn(dim) * 0.02)

    def loss(self, of: nn.Module, batch: Batch, rng: torch.Generator, *, rate: float, normalise: bool) -> Tensor:
        """Squared error of the hidden patches of images [n, C, H, W], but for their missing pixels.

        `of` is the encoder that this decoder was made for.
        """
        encoder, x = cast(Patches, of), cast(Tensor, batch.x)
        target = encoder.patchify(x)  # [n, L, C · patch²]
        mask = random_mask(len(x), target.shape[1], rate, rng)
        predicted = self(encoder.tokens(x, mask.keep), mask.restore, encoder.grid(x))
        # [n, L, C · patch²]: False where a pixel is missing or fills up the grid
        seen = patches((~x.isnan()).float(), encoder.patch).bool()
        middle = (target * seen).sum(2, keepdim=True) / seen.sum(2, keepdim=True).clamp_min(1)  # [n, L, 1]
        # A missing pixel is given its patch's mean as target and as prediction: no error, no gradient.
        target = torch.where(seen, target, middle)
        predicted = torch.where(seen, predicted, 0.0 if normalise else middle)
        return mae(predicted, target, mask=mask.removed, normalise=normalise)

    def forward(self, states: Tensor, restore: Tensor, grid: tuple[int, int]) -> Tensor:
        """States [n, 1 + kept, d] of class token and patches that stay -> pixels [n, L, C · patch²] of all patches."""
        states = self.embed(states)  # [n, 1 + kept, dim]
        hidden = self.hidden.expand(len(states), 1 + restore.shape[1] - states.shape[1], -1)  # [n, removed, dim]
        whole = unshuffle(torch.cat([states[:, 1:], hidden], 1), restore)  # [n, L, dim]
        whole = whole + sine_cosine(*grid, self.dim, states.device)
        states = self.norm(self.blocks(torch.cat([states[:, :1], whole], 1)))
        return cast(Tensor, self.pixels(states[:, 1:]))
