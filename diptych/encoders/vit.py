"""A tiny vision transformer."""

from typing import Any, cast

import torch
from torch import Tensor, nn

from diptych.batch import Input
from diptych.encoders._pixels import ImageEncoder
from diptych.parts.heads import xavier
from diptych.parts.patches import grid, patches
from diptych.parts.positions import sine_cosine


class Vit(ImageEncoder):
    """Pre-norm transformer over patches with fixed sine-cosine positions, read as the mean of its patch states.

    Dosovitskiy et al. 2021 (arXiv 2010.11929) as MAE has it (2111.06377): the class token is there, but takes no part
    in the mean. An image whose sides are no multiple of the patch is filled up with mean pixels right and below.
    """

    modality = "image"

    def __init__(
        self, facts: dict[str, Any], *, patch: int = 4, dim: int = 128, depth: int = 4, heads: int = 4
    ) -> None:
        super().__init__(facts)
        if patch < 1 or dim % 4 or dim % heads:
            raise ValueError(
                f"encoder.dim of vit must be a multiple of 4 and of its {heads} heads, it is {dim}; encoder.patch must "
                f"be at least 1, it is {patch}"
            )
        self.patch, self.dim = patch, dim
        self.project = nn.Linear(facts["shape"][0] * patch**2, dim)
        self.token = nn.Parameter(torch.randn(dim) * 0.02)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(dim, heads, 4 * dim, 0.0, "gelu", batch_first=True, norm_first=True)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(dim)
        xavier(self)

    def forward(self, x: Input) -> Tensor:
        """Images [n, C, H, W] in 0..1 -> mean patch state [n, dim]."""
        return self.tokens(cast(Tensor, x))[:, 1:].mean(1)

    def tokens(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Images [n, C, H, W] -> states [n, 1 + L, dim], class token first; of the patches `keep` [n, kept] only."""
        pixels = self.patchify(x)  # [n, L, C · patch²]
        positions = sine_cosine(*self.grid(x), self.dim, x.device)  # [L, dim]
        if keep is not None:
            pixels = pixels.gather(1, keep[..., None].expand(-1, -1, pixels.shape[2]))  # [n, kept, C · patch²]
            positions = positions[keep]  # [n, kept, dim]
        states = torch.cat([self.token.expand(len(x), 1, -1), self.project(pixels) + positions], 1)
        for block in self.blocks:
            states = block(states)
        return cast(Tensor, self.norm(states))

    def patchify(self, x: Tensor) -> Tensor:
        """Images [n, C, H, W] -> their standardised pixels by patch [n, L, C · patch²], in reading order."""
        return patches(self.standardised(x), self.patch)  # 0 is the mean

    def grid(self, x: Tensor) -> tuple[int, int]:
        """Rows and columns of patches of images [n, C, H, W]."""
        return grid(x, self.patch)
