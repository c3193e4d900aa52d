"""The autoencoder."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.decoders import decoder, squared_error
from diptych.parts.method import Method, Recipe, View, width


class Autoencoder(Method):
    """An image, a series or a table row is squeezed into a code from which a decoder must draw it again."""

    paper = (
        "Hinton, Salakhutdinov 2006, Reducing the dimensionality of data with neural networks, Science 313; reviewed "
        "in Bengio, Courville, Vincent 2013, Representation learning, arXiv 1206.5538"
    )
    modalities = {"image": "identity", "series": "identity", "tabular": "identity"}
    encoders = {"tabular": "bottleneck_mlp"}
    missing = "impute_mean"
    # Ours: the paper trains layer by layer, as nobody does since; a convolutional one needs no more than Adam.
    recipe = Recipe(optimiser="adam", lr=1e-3, schedule="cosine", batch_size=128, epochs=100)

    def __init__(self, encoder: nn.Module, view: View) -> None:
        super().__init__(encoder, view)
        self.decoder = decoder(width(encoder)["backbone"], view.facts)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Squared error over all values that are there."""
        (view,) = self.view(batch, rng)
        return squared_error(self.decoder(self.backbone(view)), cast(Tensor, view.x))
