"""The masked autoencoder."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.capabilities import with_patches
from diptych.parts.masked_autoencoder import MaskedAutoencoder
from diptych.parts.method import Method, Recipe, View


class Mae(Method):
    """Three quarters of an image's patches are hidden, and a small decoder must draw them from the rest."""

    paper = (
        "He, Chen, Xie, Li, Dollár, Girshick 2022, Masked autoencoders are scalable vision learners, arXiv 2111.06377"
    )
    modalities = {"image": "one_crop"}
    encoders = {"image": "vit"}
    missing = "impute_mean"
    # The paper: AdamW 1.5e-4 · batch/256 with β₂ 0.95, batch 4,096, 800 to 1,600 epochs, for a ViT of width 768 with a
    # decoder of 512 × 8. A ViT of width 128 takes a six times higher rate; the decoder is scaled with it.
    recipe = Recipe(
        optimiser="adamw", lr=1e-3, weight_decay=0.05, schedule="cosine", warmup=0.05, batch_size=256, epochs=800
    )

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        mask_rate: float = 0.75,
        normalise: bool = True,
        decoder_dim: int = 64,
        decoder_depth: int = 2,
        decoder_heads: int = 4,
    ) -> None:
        super().__init__(encoder, view)
        self.mask_rate, self.normalise = mask_rate, normalise
        self.decoder = MaskedAutoencoder(
            with_patches("mae", encoder),
            view.facts["shape"][0],
            dim=decoder_dim,
            depth=decoder_depth,
            heads=decoder_heads,
        )

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Squared error of the hidden patches."""
        (view,) = self.view(batch, rng)
        return self.decoder.loss(self.encoder, view, rng, rate=self.mask_rate, normalise=self.normalise)
