"""Viewmaker networks."""

from typing import cast

from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.method import Method, Recipe, View, width
from diptych.parts.objectives.nt_xent import nt_xent
from diptych.parts.viewmaker import ViewGenerator


class Viewmaker(Method):
    """A second network learns the views: the most harmful ones of a given size, against which SimCLR learns.

    One backward pass serves both, by gradient reversal: the public code's two optimisers see the same gradients.
    """

    paper = "Tamkin, Wu, Goodman 2021, Viewmaker networks: learning views for unsupervised learning, arXiv 2010.07432"
    modalities = {"image": "identity"}
    missing = "impute_mean"
    # The paper trains the encoder with SGD 0.03, momentum 0.9, weight decay 1e-4, and the viewmaker with Adam 1e-3;
    # one optimiser for both is Adam here. Its generator, of width 32, costs many times what a small encoder does.
    recipe = Recipe(optimiser="adam", lr=1e-3, weight_decay=1e-4, batch_size=256, epochs=200)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        temperature: float = 0.07,
        budget: float = 0.05,
        blocks: int = 3,
        generator_width: int = 32,
        out_dim: int = 128,
    ) -> None:
        super().__init__(encoder, view)
        self.temperature = temperature
        self.projector = nn.Linear(width(encoder)["backbone"], out_dim)
        channels = view.facts["shape"][0]
        self.generator = ViewGenerator(channels, budget=budget, blocks=blocks, width=generator_width)

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """NT-Xent between two learned views under fresh noise; probes see clean images."""
        (view,) = self.view(batch, rng)
        made = (view.with_x(self.generator(cast(Tensor, view.x), rng)) for _ in range(2))
        z1, z2 = (self.projected(v) for v in made)
        return nt_xent(z1, z2, temperature=self.temperature, ids=batch.key)
