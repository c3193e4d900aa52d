"""TS-TCC."""

import torch
from torch import Generator, Tensor, nn

from diptych.batch import Batch
from diptych.parts.heads import normed_mlp
from diptych.parts.method import Method, Recipe, View
from diptych.parts.objectives.nt_xent import nt_xent
from diptych.parts.steps import length_of, states, with_steps
from diptych.parts.temporal_contrast import TemporalContrast


class TsTcc(Method):
    """The past of a weak view predicts the future of a strong one and the other way round; their contexts attract."""

    paper = (
        "Eldele, Ragab, Chen, Wu, Kwoh, Li, Guan 2021, Time-series representation learning via temporal and contextual "
        "contrasting, arXiv 2106.14112"
    )
    modalities = {"series": "weak_strong"}
    encoders = {"series": "series_conv"}
    negatives = "in-batch"
    missing = "impute_mean"
    # β₁ of the authors' Adam is .9 and β₂ .99; the loop's is .999.
    recipe = Recipe(optimiser="adam", lr=3e-4, weight_decay=3e-4, batch_size=128, epochs=40)

    def __init__(
        self,
        encoder: nn.Module,
        view: View,
        *,
        hidden: int = 100,
        depth: int = 4,
        heads: int = 4,
        horizon: float = 0.4,
        temperature: float = 0.2,
        contextual: float = 0.7,
    ) -> None:
        super().__init__(encoder, view)
        dim, length = with_steps("ts_tcc", encoder).width, length_of(encoder, view.facts)
        ahead = max(min(round(horizon * length), length - 1), 1)  # the paper: 40 % of all steps
        self.temporal = TemporalContrast(dim, hidden=hidden, depth=depth, heads=heads, ahead=ahead)
        self.head = normed_mlp(hidden, 64, 32)  # of contexts, so health is judged at the encoder's output
        self.temperature, self.contextual = temperature, contextual

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Both temporal losses and 0.7 times the contextual one."""
        weak, strong = (states(self.encoder, view.x) for view in self.view(batch, rng))
        now = self.temporal.moment(weak, rng)
        contexts = [self.temporal.context(one, now) for one in (weak, strong)]
        crossed = zip(contexts, (strong, weak), strict=True)
        temporal = torch.stack([self.temporal(past, future, now, batch.key) for past, future in crossed]).sum()
        z1, z2 = (self.head(context) for context in contexts)
        return temporal + self.contextual * nt_xent(z1, z2, temperature=self.temperature, ids=batch.key)
