"""Masked autoencoding with contrastive tuning."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.capabilities import with_patches
from diptych.parts.contrastive_tuning import NeighbourHead, stages
from diptych.parts.masked_autoencoder import MaskedAutoencoder
from diptych.parts.method import Method, Recipe, Stage, View


class MaeCt(Method):
    """MAE, then NNCLR: first its head alone on the frozen encoder, then head and upper half of the encoder."""

    paper = "Lehner, Alkin, Fürst, Rumetshofer, Miklautz, Hochreiter 2023, Contrastive tuning, arXiv 2304.10520"
    modalities = {"image": "crop_flip"}
    encoders = {"image": "vit"}
    missing = "impute_mean"
    # As `mae`; the later stages take two thirds of its rate (the paper: 1e-4 and 1.5e-4), weight decay 0.05 throughout.
    # The paper adds 20 + 20 epochs to 1,600; a tenth each leaves them enough steps here. Queue 65,536, heads 2,048.
    recipe = Recipe(
        optimiser="adamw", lr=1e-3, weight_decay=0.05, schedule="cosine", warmup=0.05, batch_size=256, epochs=1000
    )

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        mask_rate: float = 0.75,
        normalise: bool = True,
        temperature: float = 0.15,
        momentum: float = 0.99,
        queue: int = 4096,
        top: int = 20,
        layer_decay: float = 0.65,
    ) -> None:
        super().__init__(encoder, view)
        self.mask_rate, self.normalise, self.temperature, self.momentum = mask_rate, normalise, temperature, momentum
        patches, facts, self.stage = with_patches("mae_ct", encoder), view.facts, "mae"
        self.decoder = MaskedAutoencoder(patches, facts["shape"][0], dim=64, depth=2, heads=4)
        self.head = NeighbourHead(patches.dim, queue=min(queue, facts["n_train"]), top=top)
        self.plan = stages(patches, layer_decay)

    def stages(self) -> tuple[Stage, ...]:
        """Eight tenths for MAE, one for the head, one for tuning."""
        return self.plan

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Squared error of hidden patches, then NNCLR on whole images."""
        views = self.view(batch, rng)
        if self.stage == "mae":
            return self.decoder.loss(self.encoder, views[0], rng, rate=self.mask_rate, normalise=self.normalise)
        h1, h2 = (self.backbone(view) for view in views)
        return self.head.loss(h1, h2, batch.key, rng, self.temperature)

    def after_step(self, batch: Batch, progress: float) -> None:
        """The target of the head follows; the batch enters the queue."""
        if self.stage != "mae":
            self.head.follow(batch.key, self.momentum)
