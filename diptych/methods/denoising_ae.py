"""The denoising autoencoder."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.decoders import decoder, squared_error
from diptych.parts.method import Method, Recipe, View, width


class DenoisingAe(Method):
    """From the code of a noisy image or table row a decoder must draw the clean one: copying is no solution."""

    paper = (
        "Vincent, Larochelle, Lajoie, Bengio, Manzagol 2010, Stacked denoising autoencoders, JMLR 11; reviewed in "
        "Bengio, Courville, Vincent 2013, Representation learning, arXiv 1206.5538"
    )
    modalities = {"image": "noisy", "tabular": "swap_noise"}
    missing = "impute_mean"
    # Ours, and the same as of `autoencoder`: the paper stacks one layer at a time and then trains on labels.
    recipe = Recipe(optimiser="adam", lr=1e-3, schedule="cosine", batch_size=128, epochs=100)

    def __init__(self, encoder: nn.Module, view: View) -> None:
        super().__init__(encoder, view)
        self.decoder = decoder(width(encoder)["backbone"], view.facts)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Squared error to the clean sample over all values that are there."""
        damaged, clean = self.view(batch, rng)
        return squared_error(self.decoder(self.backbone(damaged)), cast(Tensor, clean.x))
