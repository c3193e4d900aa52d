"""VIME."""

from typing import cast

from torch import Generator, Tensor, nn
from torch.nn import functional as F

from diptych.batch import Batch
from diptych.parts.decoders import squared_error
from diptych.parts.fields import differ, fields_of
from diptych.parts.method import Method, Recipe, View, width


class Vime(Method):
    """From a row with swapped fields, one head tells which fields were swapped and another draws the row as it was.

    The self-supervised half of the paper; its other half trains on labels. Rows are z-scores here and not in 0..1, so
    the second head ends without a sigmoid.
    """

    paper = (
        "Yoon, Zhang, Jordon, van der Schaar 2020, VIME: Extending the success of self- and semi-supervised learning "
        "to tabular domain, NeurIPS 33"
    )
    modalities = {"tabular": "swap_noise"}
    encoders = {"tabular": "one_layer"}
    missing = "impute_mean"
    # The paper's ten epochs are thousands of steps on its data (MNIST and larger); small tables need more epochs.
    recipe = Recipe(optimiser="rmsprop", lr=1e-3, batch_size=128, epochs=10)

    fields: Tensor

    def __init__(self, encoder: nn.Module, view: View, *, alpha: float = 2.0) -> None:
        super().__init__(encoder, view)
        self.alpha = alpha
        self.register_buffer("fields", fields_of(view.facts), persistent=False)  # [F]
        d = width(encoder)["backbone"]
        self.swapped = nn.Linear(d, int(self.fields.max()) + 1)
        self.values = nn.Linear(d, len(self.fields))

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Cross-entropy of the mask, and α times the squared error of the values.

        A swap that returns the same value is none: the mask is what differs, not what was drawn.
        """
        damaged, clean = self.view(batch, rng)
        mask = differ(cast(Tensor, damaged.x), cast(Tensor, clean.x), self.fields)  # [n, fields]
        h = self.backbone(damaged)
        error = squared_error(self.values(h), cast(Tensor, clean.x))
        return F.binary_cross_entropy_with_logits(self.swapped(h), mask.float()) + self.alpha * error
