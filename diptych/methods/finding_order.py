"""Finding Order in Chaos."""

from typing import cast

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import mlp
from diptych.parts.method import Method, Recipe, Stage, View, width
from diptych.parts.mixing import shares_of, spectral
from diptych.parts.objectives.nt_xent import nt_xent
from diptych.parts.tc_vae import TcVae


class FindingOrder(Method):
    """SimCLR with a mixture of two series as view, by magnitude and phase; like series are mixed more.

    How like two series are is the cosine of their latents in a variational autoencoder, which is trained first.
    """

    paper = "Demirel, Holz 2023, Finding order in chaos, arXiv 2309.13439"
    modalities = {"series": "slowed"}
    encoders = {"series": "fcn"}
    negatives = "in-batch"
    missing = "impute_mean"
    # The paper's encoder is DeepConvLSTM. Its VAE is convolutional and takes 100 epochs at batch 2,048 and rate 1e-3,
    # a tenth of all steps; this one, on flat series, gets a fifth.
    recipe = Recipe(optimiser="adam", lr=3e-3, schedule="cosine", batch_size=256, epochs=120)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.1,
        threshold: float = 0.8,
        latent: int = 10,
        beta: float = 5.0,
    ) -> None:
        super().__init__(encoder, view)
        self.temperature, self.threshold, self.stage = temperature, threshold, "vae"
        d, (steps, channels) = width(encoder)["backbone"], view.facts["shape"]
        self.projector = mlp(d, 128, 128)
        self.vae = TcVae(steps * channels, latent=latent, beta=beta, n_train=view.facts["n_train"])

    def stages(self) -> tuple[Stage, ...]:
        """The autoencoder, then the contrast."""
        return Stage("vae", 0.2, ("vae.",), {"vae.": 1 / 3}), Stage("contrast", 0.8, ("encoder.", "projector."))

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """The autoencoder's, then NT-Xent of a view and a mixture."""
        if self.stage == "vae":
            return self.vae.loss(cast(Tensor, batch.x), rng)
        one, other = self.view(batch, rng)
        order = torch.randperm(len(batch), generator=rng, device=rng.device)
        shares = shares_of(self.vae.latents(cast(Tensor, batch.x)), order, rng, threshold=self.threshold)
        x = cast(Tensor, other.x)
        z1, z2 = self.projected(one), self.projected(other.with_x(spectral(x, x[order], *shares)))
        return nt_xent(z1, z2, temperature=self.temperature, ids=batch.key)
