"""Divide and Contrast."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.divide import Experts, Regressors
from diptych.parts.method import TWO_VIEWS, Method, Recipe, Stage, View, towers
from diptych.parts.moclr import Moclr
from diptych.parts.target import rising


class Dnc(Method):
    """A base model divides the data, an expert per cluster contrasts within it, a student learns from all of them.

    Experts start from the base model and the student from scratch; each of the three gets the same number of steps.
    """

    paper = "Tian, Hénaff, van den Oord 2021, Divide and contrast, arXiv 2105.08054"
    modalities = TWO_VIEWS
    missing = "impute_mean"
    # The paper has 5 or 10 clusters and momentum 0.99 or 0.996, rising to 1. Its authors gave no code: the temperature,
    # the distance of the distillation (of unit vectors) and the optimiser, which is that of `simclr`, are ours.
    recipe = Recipe(optimiser="adam", lr=1e-3, weight_decay=1e-6, schedule="cosine", batch_size=256, epochs=1000)

    def __init__(
        self, encoder: nn.Module, view: View, *, clusters: int = 5, temperature: float = 0.2, momentum: float = 0.99
    ) -> None:
        super().__init__(encoder, view)
        self.temperature, self.momentum, self.stage = temperature, momentum, "base"
        backbone = towers(encoder)["backbone"]
        self.base, self.experts = Moclr(backbone), Experts(backbone, clusters, view.facts["n_train"])
        self.heads = Regressors(backbone.dim, clusters)

    def stages(self) -> tuple[Stage, ...]:
        """Base, experts and distillation, a third each."""
        parts = {"base": ("base.",), "experts": ("experts.",), "distil": ("encoder.", "heads.")}
        return tuple(Stage(name, 1 / 3, trained) for name, trained in parts.items())

    def begin(self, stage: str, train: Batch, rng: Generator) -> None:
        """Divide the training rows when the base model is trained."""
        super().begin(stage, train, rng)
        if stage == "experts":
            self.experts.divide(self.base, train, rng)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Contrast, contrast within clusters, or regression to the teachers."""
        views = self.view(batch, rng)
        if self.stage == "distil":
            return self.heads.loss([self.backbone(v) for v in views], views, self.base, self.experts)
        model = self.experts if self.stage == "experts" else self.base
        return model.loss(views[0], views[1], self.temperature)

    def after_step(self, batch: Batch, progress: float) -> None:
        """The networks of the keys follow the ones in training."""
        momentum = rising(self.momentum, progress)
        self.base.follow(momentum)
        self.experts.follow(momentum)
