"""A multilayer perceptron over all pixels."""

from typing import Any, cast

from torch import Tensor
from torch.nn import functional as F

from diptych.batch import Input
from diptych.encoders._pixels import ImageEncoder
from diptych.parts.heads import mlp


class PixelMlp(ImageEncoder):
    """Every pixel has weights of its own: no locality, no weight sharing, no pooling over places.

    The function class to compare convolutions and transformers with (Saunshi et al. 2022, arXiv 2202.14037).
    An image of another size than the data set's is resized to it; a missing pixel is a mean pixel.
    """

    modality = "image"

    def __init__(self, facts: dict[str, Any], *, dim: int = 128, hidden: int = 512, depth: int = 2) -> None:
        super().__init__(facts)
        if depth < 1:
            raise ValueError(f"encoder.depth of pixel_mlp must be at least 1, it is {depth}")
        self.dim = dim
        channels, *self.size = facts["shape"]
        self.layers = mlp(channels * self.size[0] * self.size[1], *[hidden] * depth, dim)

    def forward(self, x: Input) -> Tensor:
        """Images [n, C, H, W] in 0..1 -> [n, dim]."""
        pixels = self.standardised(x)
        if list(pixels.shape[2:]) != self.size:
            pixels = F.interpolate(pixels, self.size, mode="bilinear", antialias=True)
        return cast(Tensor, self.layers(pixels.flatten(1)))
