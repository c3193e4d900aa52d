"""Simple siamese representation learning."""

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import normed_mlp
from diptych.parts.method import TWO_VIEWS, Method, Recipe, View, width
from diptych.parts.objectives.negative_cosine import negative_cosine


class Simsiam(Method):
    """Each view predicts the other's projection, which is held fixed: no negatives, no following copy.

    `predict` and `stop_gradient` exist to be turned off: without either one the representation collapses (section 4).
    """

    paper = "Chen, He 2021, Exploring simple siamese representation learning, arXiv 2011.10566"
    modalities = TWO_VIEWS
    missing = "impute_mean"
    # The paper's CIFAR-10 setting (SGD 0.03, weight decay 5e-4, batch 512, 800 epochs); its heads are 2,048 wide, the
    # predictor's waist a quarter of that. The predictor's rate decays with the rest here.
    recipe = Recipe(
        optimiser="sgd", lr=0.03, momentum=0.9, weight_decay=5e-4, schedule="cosine", batch_size=512, epochs=800
    )

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        predict: bool = True,
        stop_gradient: bool = True,
        out_dim: int = 512,
    ) -> None:
        super().__init__(encoder, view)
        self.stop_gradient = stop_gradient
        self.projector = normed_mlp(width(encoder)["backbone"], out_dim, out_dim, last=True)
        self.predictor = normed_mlp(out_dim, out_dim // 4, out_dim) if predict else nn.Identity()

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """The mean negative cosine of predictions and projections of the other view."""
        z1, z2 = (self.projected(v) for v in self.view(batch, rng))
        p1, p2 = self.predictor(z1), self.predictor(z2)
        if self.stop_gradient:
            return negative_cosine(p1, p2, z1, z2)
        return -(nn.functional.cosine_similarity(p1, z2) + nn.functional.cosine_similarity(p2, z1)).mean() / 2
