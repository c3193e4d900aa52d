"""Kernel principal components."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.kernel_components import KernelComponents
from diptych.parts.method import ONE_VIEW, Recipe, View, width
from diptych.parts.raw_features import RawFeatures
from diptych.parts.untrained import Untrained


class KernelPca(Untrained):
    """The raw features' principal components in the space of an RBF kernel, as many as the encoder has dimensions.

    exp(−γ‖a − b‖²) with γ = scale / (F · mean variance), on at most `landmarks` training rows.
    """

    role = "control"
    paper = (
        "Schölkopf, Smola, Müller 1998, Nonlinear component analysis as a kernel eigenvalue problem, Neural Comp. 10"
    )
    modalities = ONE_VIEW
    missing = "impute_mean"
    recipe = Recipe(steps=0)

    def __init__(self, encoder: nn.Module, view: View, *, scale: float = 1.0, landmarks: int = 2000) -> None:
        super().__init__(nn.Identity(), view)  # the encoder is no part of it, only its width
        if scale <= 0 or landmarks < 2:
            raise ValueError(f"kernel_pca needs scale > 0 and landmarks ≥ 2; they are {scale:g} and {landmarks}")
        self.features = RawFeatures(width(encoder))
        self.components = KernelComponents(width(encoder), scale=scale, landmarks=landmarks)

    def calibrate(self, train: Batch, rng: Generator) -> None:
        """Fit the projection."""
        self.features.calibrate(train.x)
        self.components.fit(self.features(train.x), rng)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """[n, at most min(width, n_train, landmarks)]."""
        return cast(dict[str, Tensor], self.components(self.features(batch.x)))
